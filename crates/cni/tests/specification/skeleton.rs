//! Around the plugin: the environment, the configuration, what is printed.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use cni::{Code, Command, Failure, Input, Io, Request, Version};
use expect_test::{Expect, expect};

use crate::stage::{Outcome, Probe, call, config, variables};

const OPERATIONS: &[Command] = &[Command::Add, Command::Del, Command::Check, Command::Gc, Command::Status];

fn refused(variables: &[(&str, &str)], stdin: &str, error: &Expect) {
    let probe = Probe::default();
    let Outcome { status, stdout, stderr } = call(&probe, variables, stdin);
    assert_eq!((status, stderr.as_str(), probe.calls.borrow().len()), (1, "", 0), "{stdout}");
    error.assert_eq(&stdout);
}

// P-001
#[test]
fn each_command_calls_its_operation_once_with_what_the_environment_and_stdin_say() {
    for command in OPERATIONS {
        let probe = Probe::default();
        let outcome = call(&probe, &variables(command.as_str(), &[]), &config("1.1.0"));
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""), "{outcome:?}");
        let request = probe.call();
        assert_eq!(request.command, *command);
        assert_eq!(request.path, ["/opt/cni/bin", "/usr/lib/cni"].map(PathBuf::from));
        assert_eq!(request.stdin, config("1.1.0").as_bytes());
        assert_eq!(
            (request.config.version, request.config.name.as_str(), request.config.kind.as_str()),
            (Version::V1_1_0, "net", "probe")
        );
    }
}

// P-001 P-004
#[test]
fn only_operations_on_a_container_know_its_variables() {
    for command in OPERATIONS {
        let probe = Probe::default();
        call(&probe, &variables(command.as_str(), &[]), &config("1.1.0"));
        let Request { container, ifname, args, netns, .. } = probe.call();
        let known =
            (container.as_str(), ifname.as_str(), args.as_str(), netns.as_deref().and_then(Path::to_str));
        let expected = match command {
            Command::Gc | Command::Status | Command::Version => ("", "", "", None),
            _ => ("some-container.1", "eth0", "IgnoreUnknown=1", Some("/no/such/netns")),
        };
        assert_eq!(known, expected, "{command}");
    }
}

// P-002 P-044 P-046
#[test]
fn only_add_prints_when_it_succeeds() {
    for command in OPERATIONS {
        let outcome = call(&Probe::default(), &variables(command.as_str(), &[]), &config("1.1.0"));
        let expected = if *command == Command::Add { "{\n    \"cniVersion\": \"1.1.0\"\n}" } else { "" };
        assert_eq!(outcome.stdout, expected);
    }
}

// P-002 P-003 P-080
#[test]
fn a_failure_is_an_error_object_on_stdout_and_exit_status_1() {
    for command in OPERATIONS {
        let answer =
            Err(Failure { code: Code::Other(117), msg: "no \"luck\"".into(), details: "none".into() });
        let probe = Probe { answer, ..Probe::default() };
        let outcome = call(&probe, &variables(command.as_str(), &[]), &config("1.1.0"));
        assert_eq!((outcome.status, outcome.stderr.as_str()), (1, ""));
        expect![[r#"
            {
                "cniVersion": "1.1.0",
                "code": 117,
                "msg": "no \"luck\"",
                "details": "none"
            }"#]]
        .assert_eq(&outcome.stdout);
    }
}

// P-080
#[test]
fn the_error_object_has_the_version_of_the_configuration_and_no_empty_details() {
    let answer = Err(Failure { code: Code::TryAgain, msg: "busy".into(), details: String::new() });
    let probe = Probe { answer, ..Probe::default() };
    let outcome = call(&probe, &variables("ADD", &[]), &config("0.3.1"));
    expect![[r#"
        {
            "cniVersion": "0.3.1",
            "code": 11,
            "msg": "busy"
        }"#]]
    .assert_eq(&outcome.stdout);
}

// P-004 P-005
#[test]
fn missing_variables_are_reported_together() {
    let all = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"];
    for (command, needed) in [
        ("ADD", &all[..]),
        ("CHECK", &all[..]),
        ("DEL", &["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"][..]),
        ("GC", &["CNI_PATH"][..]),
        ("STATUS", &["CNI_PATH"][..]),
    ] {
        let outcome = call(&Probe::default(), &[("CNI_COMMAND", command)], &config("1.1.0"));
        let message = format!("required env variables [{}] missing", needed.join(","));
        assert_eq!(outcome.status, 1);
        assert!(outcome.stdout.contains("\"code\": 4,") && outcome.stdout.contains(&message), "{outcome:?}");

        let optional: Vec<_> = variables(command, &[]);
        let optional: Vec<_> =
            optional.into_iter().filter(|(key, _)| *key == "CNI_COMMAND" || needed.contains(key)).collect();
        let probe = Probe::default();
        assert_eq!(call(&probe, &optional, &config("1.1.0")).status, 0);
        assert_eq!(probe.call().args, "");
    }
}

// P-006
#[test]
fn a_container_id_has_no_other_characters_than_the_specification_allows() {
    for container in ["under_score", "Capital", "1.dot-dash", "0"] {
        let variables = variables("ADD", &[("CNI_CONTAINERID", container)]);
        assert_eq!(call(&Probe::default(), &variables, &config("1.0.0")).status, 0, "{container}");
    }
    for container in ["some-%%container-id", "_leading", ".leading", "-leading", "a/b", "a b", "é"] {
        let variables = variables("DEL", &[("CNI_CONTAINERID", container)]);
        let outcome = call(&Probe::default(), &variables, &config("1.0.0"));
        assert!(outcome.stdout.contains(&format!("\"details\": \"{container}\"")), "{outcome:?}");
    }
    refused(
        &variables("ADD", &[("CNI_CONTAINERID", "some-%%container-id")]),
        &config("1.0.0"),
        &expect![[r#"
            {
                "cniVersion": "1.1.0",
                "code": 4,
                "msg": "invalid characters in containerID",
                "details": "some-%%container-id"
            }"#]],
    );
}

// P-007
#[test]
fn an_interface_name_that_the_kernel_refuses_is_an_error() {
    for (ifname, message) in [
        ("1234567890123456", "interface name is too long"),
        (".", "interface name is . or .."),
        ("..", "interface name is . or .."),
        ("eth/0", "interface name contains / or : or whitespace characters"),
        ("eth:0", "interface name contains / or : or whitespace characters"),
        ("eth 0", "interface name contains / or : or whitespace characters"),
        ("eth\u{2003}0", "interface name contains / or : or whitespace characters"),
    ] {
        let outcome = call(&Probe::default(), &variables("ADD", &[("CNI_IFNAME", ifname)]), &config("1.0.0"));
        assert!(outcome.stdout.contains(&format!("\"msg\": \"{message}\"")), "{outcome:?}");
        assert!(outcome.stdout.contains("\"code\": 4,"), "{outcome:?}");
    }
    let longest = variables("ADD", &[("CNI_IFNAME", "123456789012345")]);
    assert_eq!(call(&Probe::default(), &longest, &config("1.0.0")).status, 0);
}

// P-006 P-007
#[test]
fn operations_without_a_container_do_not_look_at_its_variables() {
    for command in ["GC", "STATUS"] {
        let variables = variables(command, &[("CNI_CONTAINERID", "%"), ("CNI_IFNAME", "a/b")]);
        assert_eq!(call(&Probe::default(), &variables, &config("1.1.0")).status, 0);
    }
}

// P-009
#[test]
fn an_unknown_command_is_refused_in_the_words_that_runtimes_match() {
    refused(
        &variables("NOPE", &[]),
        &config("1.0.0"),
        &expect![[r#"
            {
                "cniVersion": "1.1.0",
                "code": 4,
                "msg": "unknown CNI_COMMAND: NOPE"
            }"#]],
    );
}

// P-025
#[test]
fn version_is_never_an_unknown_command() {
    assert!("VERSION".parse::<Command>().is_ok());
    assert_eq!("version".parse::<Command>().unwrap_err().to_string(), "unknown CNI_COMMAND: version");
}

// P-010
#[test]
fn without_a_command_the_plugin_introduces_itself_on_stderr() {
    for variables in [&[][..], &[("CNI_COMMAND", "")]] {
        let outcome = call(&Probe::default(), variables, "");
        let expected = format!(
            "{}\nCNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n",
            cni::about("probe")
        );
        assert_eq!(outcome, Outcome { status: 0, stdout: String::new(), stderr: expected });
    }
}

// P-011
#[test]
fn a_container_in_the_plugins_own_namespace_is_refused_before_anything_is_done() {
    for command in ["ADD", "DEL"] {
        refused(
            &variables(command, &[("CNI_NETNS", "/proc/self/ns/net")]),
            &config("1.0.0"),
            &expect![[r#"
                {
                    "cniVersion": "1.0.0",
                    "code": 8,
                    "msg": "plugin's netns and netns from CNI_NETNS should not be the same"
                }"#]],
        );
    }
}

// P-011
#[test]
fn the_own_namespace_is_taken_where_the_caller_insists_and_a_missing_one_is_the_plugins_business() {
    for (netns, insist, status) in [
        ("/proc/self/ns/net", "1", 0),
        ("/proc/self/ns/net", "TRUE", 0),
        ("/proc/self/ns/net", "true", 0),
        ("/proc/self/ns/net", "yes", 1),
        ("/proc/self/ns/net", "0", 1),
        ("/proc/self/ns/mnt", "", 0),
        ("/no/such/netns", "", 0),
    ] {
        let variables = variables("ADD", &[("CNI_NETNS", netns), ("CNI_NETNS_OVERRIDE", insist)]);
        assert_eq!(call(&Probe::default(), &variables, &config("1.0.0")).status, status, "{netns} {insist}");
    }
}

// P-042
#[test]
fn del_comes_through_without_a_namespace() {
    let probe = Probe::default();
    let outcome = call(&probe, &variables("DEL", &[("CNI_NETNS", "")]), &config("1.0.0"));
    assert_eq!((outcome.status, probe.call().netns), (0, None));
}

// P-014
#[test]
fn empty_segments_of_the_path_are_no_directories() {
    let probe = Probe::default();
    call(&probe, &variables("ADD", &[("CNI_PATH", ":/a::/b:")]), &config("1.0.0"));
    assert_eq!(probe.call().path, ["/a", "/b"].map(PathBuf::from));
}

// P-027 P-075
#[test]
fn a_result_that_can_not_be_said_in_the_asked_version_is_an_error_and_nothing_else() {
    let outcome = call(&Probe::default(), &variables("ADD", &[]), &config("0.2.0"));
    assert_eq!(outcome.status, 1);
    expect![[r#"
        {
            "cniVersion": "0.2.0",
            "code": 999,
            "msg": "cannot convert: no valid IP addresses"
        }"#]]
    .assert_eq(&outcome.stdout);
}

// P-005
#[test]
fn a_variable_that_is_not_utf_8_is_named() {
    for (variable, message) in [
        ("CNI_COMMAND", "CNI_COMMAND is not UTF-8"),
        ("CNI_CONTAINERID", "invalid characters in containerID"),
        ("CNI_IFNAME", "CNI_IFNAME is not UTF-8"),
        ("CNI_ARGS", "CNI_ARGS is not UTF-8"),
    ] {
        let variables = variables("ADD", &[]);
        let lookup = |name: &str| match variables.iter().find(|(key, _)| *key == name) {
            Some(_) if name == variable => Some(OsString::from_vec(vec![b'a', 0xff])),
            Some((_, value)) => Some(value.into()),
            None => None,
        };
        let mut stdout = Vec::new();
        let mut io = Io {
            environment: &lookup,
            stdin: &mut io::empty(),
            input: &|| Input::Pipe,
            stdout: &mut stdout,
            stderr: &mut io::sink(),
        };
        assert_eq!(cni::run(&Probe::default(), &mut io), 1);
        let stdout = String::from_utf8(stdout).expect("stdout is UTF-8");
        assert!(stdout.contains(&format!("\"msg\": \"{message}\"")), "{stdout}");
    }
}
