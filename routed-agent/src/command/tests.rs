use std::collections::BTreeMap;
use std::path::Path;

use expect_test::expect;
use netstate::SourcePort;

use super::*;
use crate::interface::Selector;

/// Parses a line of words, in an environment of pairs.
fn parsed(line: &str, environment: &[(&str, &str)]) -> Result<Command, Vec<CommandError>> {
    let environment: BTreeMap<_, _> = environment.iter().copied().collect();
    let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
    parse(&words, &|name| environment.get(name).map(|value| (*value).to_owned()))
}

fn task(line: &str, environment: &[(&str, &str)]) -> Task {
    match parsed(line, environment) {
        Ok(Command::Task(task)) => *task,
        other => panic!("{line}: {other:?}"),
    }
}

fn settings(line: &str) -> Settings {
    task(line, &[]).settings
}

fn errors(line: &str, environment: &[(&str, &str)]) -> String {
    let errors = parsed(line, environment).expect_err(line);
    errors.iter().map(|error| format!("{error}\n")).collect::<Vec<_>>().concat()
}

#[test]
fn defaults_are_flannels() {
    expect![[r#"
        Settings {
            nodes: Kubernetes {
                kubeconfig: None,
                url: None,
            },
            node_name: None,
            net_conf: "/etc/kube-flannel/net-conf.json",
            annotation_prefix: "flannel.alpha.coreos.com/",
            set_unavailable: true,
            uplink: Wish {
                interfaces: [],
                can_reach: None,
                public: [],
                overwrite: [],
            },
            masquerade: None,
            forward: true,
            subnet_file: "/run/flannel/subnet.env",
            conflist: None,
            conflist_portmap: Chained,
            state_dir: "/run/trestle",
            health: None,
            probe_port: 8473,
            log: Text,
        }
    "#]]
    .assert_debug_eq(&settings("run"));
}

#[test]
fn the_line_of_flannels_manifest_is_taken_as_it_is() {
    let task = task(
        "run --ip-masq --kube-subnet-mgr",
        &[
            ("NODE_NAME", "a"),
            ("POD_NAME", "kube-flannel-ds-x"),
            ("POD_NAMESPACE", "kube-flannel"),
            ("EVENT_QUEUE_DEPTH", "5000"),
            ("CONT_WHEN_CACHE_NOT_READY", "false"),
        ],
    );
    let wanted =
        Settings { node_name: Some("a".to_owned()), masquerade: Some(SourcePort::Random), ..settings("run") };
    assert_eq!(task, Task { verb: Verb::Run, settings: wanted, warnings: Vec::new() });
}

#[test]
fn every_form_of_go_is_read() {
    for line in [
        "run -healthz-port 8081 -ip-masq",
        "run --healthz-port 8081 --ip-masq",
        "run -healthz-port=8081 -ip-masq=true",
        "run --ip-masq=T --healthz-port=1 --healthz-port=8081",
        "run --ip-masq=false --healthz-port=8081 --ip-masq=1",
    ] {
        let settings = settings(line);
        assert_eq!(settings.health, Some("0.0.0.0:8081".parse().unwrap()), "{line}");
        assert_eq!(settings.masquerade, Some(SourcePort::Random), "{line}");
    }
    for value in ["0", "f", "F", "false", "FALSE", "False"] {
        assert!(!settings(&format!("run --iptables-forward-rules={value}")).forward, "{value}");
    }
}

#[test]
fn the_command_line_goes_before_the_environment_and_that_before_the_default() {
    let environment =
        [("FLANNELD_SUBNET_FILE", "/from/environment"), ("FLANNELD_NET_CONFIG_PATH", "/net-conf")];
    let settings = task("run --subnet-file /from/line", &environment).settings;
    assert_eq!(settings.subnet_file, Path::new("/from/line"));
    assert_eq!(settings.net_conf, Path::new("/net-conf"));
    assert_eq!(settings.state_dir, Path::new("/run/trestle"));
}

#[test]
fn an_empty_value_is_none() {
    let environment = [("FLANNELD_IFACE", ""), ("TRESTLE_CONFLIST", ""), ("FLANNELD_IP_MASQ", "")];
    let with = task("run --iface= --subnet-file=", &environment).settings;
    assert_eq!(with, settings("run"));
}

#[test]
fn flags_of_ours_have_variables_of_ours() {
    let environment = [("TRESTLE_NODES_FILE", "/etc/nodes.yaml"), ("FLANNELD_STATE_DIR", "/not/ours")];
    let settings = task("run", &environment).settings;
    assert_eq!(settings.nodes, NodesFrom::File("/etc/nodes.yaml".into()));
    assert_eq!(settings.state_dir, Path::new("/run/trestle"));
}

#[test]
fn the_nodes_own_variable_goes_before_flannels() {
    let name = |environment| task("run", environment).settings.node_name;
    assert_eq!(name(&[("NODE_NAME", "a")]).as_deref(), Some("a"));
    assert_eq!(name(&[("NODE_NAME", "a"), ("TRESTLE_NODE_NAME", "b")]).as_deref(), Some("b"));
    assert_eq!(name(&[]), None);
}

#[test]
fn interfaces_are_asked_for_in_their_order_and_patterns_last() {
    let settings = settings("run --iface-regex ^ens --iface eth1 --iface=192.0.2.1 -iface-regex=10\\.0\\.");
    let asked: Vec<_> = settings.uplink.interfaces.iter().map(Selector::to_string).collect();
    assert_eq!(asked, ["eth1", "192.0.2.1", "/^ens/", "/10\\.0\\./"]);
}

#[test]
fn ports_are_random_unless_that_is_switched_off() {
    let masquerade = |line| settings(line).masquerade;
    assert_eq!(masquerade("run --ip-masq-fully-random-disable --ip-masq"), Some(SourcePort::Kept));
    assert_eq!(masquerade("run --ip-masq-fully-random-disable"), None);
}

#[test]
fn a_health_port_of_zero_is_none() {
    let health = |line| settings(line).health;
    assert_eq!(health("run --healthz-ip ::1 --healthz-port 8081"), Some("[::1]:8081".parse().unwrap()));
    assert_eq!(health("run --healthz-ip ::1"), None);
}

#[test]
fn a_prefix_of_annotations_is_completed_as_flannel_does() {
    for (given, prefix) in [
        ("flannel.alpha.coreos.com", "flannel.alpha.coreos.com/"),
        ("example.com/", "example.com/"),
        ("example.com/net", "example.com/net-"),
        ("example.com/net-", "example.com/net-"),
    ] {
        assert_eq!(settings(&format!("run --kube-annotation-prefix {given}")).annotation_prefix, prefix);
    }
    for given in ["example", "example.com/a/b", "Example.com", ".com", "example.com/a.b"] {
        let errors = errors(&format!("run --kube-annotation-prefix {given}"), &[]);
        assert!(
            errors.starts_with(&format!("--kube-annotation-prefix: invalid value \"{given}\"")),
            "{errors}"
        );
    }
}

#[test]
fn flags_without_meaning_here_are_named() {
    let task = task(
        "run --etcd-endpoints=http://127.0.0.1:2379 -v=10 --kube-subnet-mgr=false",
        &[("FLANNELD_IPTABLES_RESYNC", "60")],
    );
    let warnings: Vec<_> = task.warnings.iter().map(|warning| format!("{warning}\n")).collect();
    expect![[r"
        --kube-subnet-mgr=false has no effect: Nodes come from Kubernetes or from --nodes-file, never from etcd
        --etcd-endpoints has no effect: Nodes come from Kubernetes or from --nodes-file, never from etcd
        --iptables-resync has no effect: what is changed in the kernel is put right at once
        --v has no effect: logs are filtered by RUST_LOG
    "]].assert_eq(&warnings.concat());
    assert_eq!(task.settings, settings("run"));
}

#[test]
fn every_mistake_is_told_at_once() {
    let environment = [("FLANNELD_IP_MASQ", "yes"), ("TRESTLE_LOG", "xml")];
    expect![[r#"
        unknown flag --no-such=1
        bad flag syntax: ---x
        bad flag syntax: -=y
        unexpected argument stray (a switch takes its value as in --switch=false)
        --subnet-file: no value
        --kube-api-url: invalid value "api:6443": expected a URL that begins with http:// or https://
        --iface-regex: invalid value "(": found open group without closing ')'
        --iface-can-reach: invalid value "x": invalid IP address syntax
        --public-ip: invalid value "::1": invalid IPv4 address syntax
        --public-ipv6: invalid value "192.0.2.1": invalid IPv6 address syntax
        FLANNELD_IP_MASQ: invalid value "yes": expected true or false
        --ip-masq-fully-random-disable: invalid value "2": expected true or false
        --healthz-ip: invalid value "x": invalid IP address syntax
        --healthz-port: invalid value "65536": expected a port from 0 to 65535
        TRESTLE_LOG: invalid value "xml": expected text or json
    "#]].assert_eq(&errors(
        "run --no-such=1 --healthz-port=65536 --healthz-ip=x --public-ip=::1 --public-ipv6 192.0.2.1 \
         --iface-regex=( --iface-can-reach=x --kube-api-url=api:6443 ---x -=y stray --ip-masq-fully-random-disable=2 \
         --subnet-file",
        &environment,
    ));
    expect![[r"
        unexpected argument --iface (a switch takes its value as in --switch=false)
        unexpected argument eth0 (a switch takes its value as in --switch=false)
    "]]
    .assert_eq(&errors("run --ip-masq -- --iface eth0", &[]));
}

#[test]
fn nodes_come_from_one_place() {
    expect![[r#"
        --nodes-file: invalid value "/nodes": Nodes come from a file or from Kubernetes: --kubeconfig-file and --kube-api-url go without --nodes-file
    "#]].assert_eq(&errors("run --nodes-file /nodes --kubeconfig-file /kubeconfig", &[]));
}

#[test]
fn commands_are_told_apart() {
    let verb = |line| task(line, &[]).verb;
    assert_eq!(verb("status"), Verb::Status(Form::Text, Depth::Known));
    assert_eq!(verb("status --json"), Verb::Status(Form::Json, Depth::Known));
    assert_eq!(verb("status --probe"), Verb::Status(Form::Text, Depth::Probed));
    assert_eq!(verb("diff -nodes-file=/nodes"), Verb::Diff);
    assert_eq!(verb("cleanup"), Verb::Cleanup(Heir::Nobody));
    assert_eq!(verb("cleanup --to-flannel"), Verb::Cleanup(Heir::Flannel));
    for line in ["version", "--version", "-version", "run --version", "run --iface eth0 -version"] {
        assert_eq!(parsed(line, &[]), Ok(Command::Version), "{line}");
    }
    for line in ["help", "--help", "-h", "run -h", "diff --help"] {
        assert_eq!(parsed(line, &[]), Ok(Command::Help), "{line}");
    }
    expect![[r"
        no command: one of run, status, diff, cleanup, version, help
    "]]
    .assert_eq(&errors("", &[]));
    expect![[r"
        unknown command start: one of run, status, diff, cleanup, version, help
    "]]
    .assert_eq(&errors("start", &[]));
    expect![[r#"
        --to-flannel: invalid value "true": a flag of cleanup only
    "#]]
    .assert_eq(&errors("run --to-flannel", &[]));
    expect![[r#"
        --json: invalid value "true": a flag of status only
    "#]]
    .assert_eq(&errors("diff --json", &[]));
}

#[test]
fn every_flag_is_there_once_and_its_default_is_valid() {
    for (index, flag) in FLAGS.iter().enumerate() {
        assert!(FLAGS[..index].iter().all(|other| other.name != flag.name), "{} is there twice", flag.name);
    }
    // Every default was applied here.
    settings("run");
}

#[test]
fn the_readme_has_every_flag() {
    let mut table = String::from("| flag | environment | default | meaning |\n|---|---|---|---|\n");
    let effective = |flag: &&Flag| !matches!(flag.meaning, Meaning::Idle(_));
    for flag in FLAGS.iter().filter(effective) {
        let variables: Vec<_> = flag.variables().map(|name| format!("`{name}`")).collect();
        let default = if flag.default.is_empty() { String::new() } else { format!("`{}`", flag.default) };
        let row = format!("| `--{}` | {} | {default} | {} |\n", flag.name, variables.join(", "), flag.help);
        table.push_str(&row);
    }
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&table), "the table of flags should be:\n{table}");
    for flag in FLAGS.iter().filter(|flag| !effective(flag)) {
        assert!(readme.contains(&format!("`--{}`", flag.name)), "{} is not mentioned", flag.name);
        assert!(usage().contains(&format!("--{}", flag.name)), "{} is not in help", flag.name);
    }
}
