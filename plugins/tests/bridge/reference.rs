//! Results are the reference's to the byte, but for MACs, random names, and the MTUs that we tell in addition.

use std::path::{Path, PathBuf};
use std::thread;

use sandbox::Pod;
use serde_json::{Value, json};

use crate::network::{Families, layer2, routed, with};
use crate::stage::Stage;

/// Debian's.
const DEBIANS: &str = "/usr/lib/cni";

/// The newest, which `make deps` builds.
fn newest_reference() -> PathBuf {
    std::env::var_os("TRESTLE_REFERENCE").map_or_else(|| sandbox::cached("plugins-1.9.1"), PathBuf::from)
}

/// What a suite prints for these configurations, each by a pod of its own, on one node. `None` is ours.
fn printed(suite: Option<PathBuf>, confs: Vec<Value>) -> Vec<String> {
    let on_its_own_node = thread::spawn(move || {
        let stage = match suite {
            Some(directory) => Stage::of(&directory),
            None => Stage::new(),
        };
        stage
            .node
            .write("/run/resolv.conf", "nameserver 192.0.2.53\nsearch example.org a.test\noptions ndots:2\n");
        let pods: Vec<_> = (0..confs.len()).map(|number| stage.node.pod(&format!("p{number}"))).collect();
        let attach = |(pod, conf): (&Pod, &Value)| {
            let reply = stage.call(pod, conf).command("ADD").run();
            reply.succeeded();
            reply.stdout.clone()
        };
        pods.iter().zip(&confs).map(attach).collect()
    });
    on_its_own_node.join().expect("the other node's thread says why")
}

/// The text with what may differ made equal. An MTU right behind the MAC is an interface's.
fn comparable(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.split('\n') {
        let trimmed = line.trim_start();
        let behind_mac = lines.last().is_some_and(|last| last.contains("\"mac\": "));
        if behind_mac && trimmed.starts_with("\"mtu\": ") {
            continue;
        }
        lines.push(line);
    }
    lines.into_iter().map(without_chance).collect::<Vec<_>>().join("\n")
}

fn without_chance(line: &str) -> String {
    for (start, end) in [("\"mac\": \"", "\""), ("\"name\": \"veth", "\"")] {
        if let Some((before, rest)) = line.split_once(start) {
            let after = rest.split_once(end).map_or("", |(_, after)| after);
            return format!("{before}{start}…{end}{after}");
        }
    }
    line.to_owned()
}

/// One configuration of each sort, in this version.
fn confs(version: &str) -> Vec<Value> {
    let mut confs: Vec<Value> = Families::ALL.iter().map(|families| routed(version, *families)).collect();
    for conf in &mut confs {
        // iptables is the reference's way, and no part of a result.
        conf["ipMasq"] = json!(false);
    }
    let dual = confs[2].clone();
    confs.push(with(&dual, &json!({ "isDefaultGateway": false, "isGateway": true })));
    confs.push(with(&dual, &json!({ "isDefaultGateway": false })));
    confs.push(with(&dual, &json!({ "dns": { "nameservers": [], "domain": "cluster.local" } })));
    let routes = json!([{ "dst": "10.20.0.0/16" }, { "dst": "fd20::/16", "gw": "fd01:2::9" }, { "dst": "0.0.0.0/0", "gw": "10.1.2.1" }]);
    confs.push(with(&dual, &json!({ "ipam": { "routes": routes } })));
    let two =
        json!([[{ "subnet": "10.1.2.0/24" }], [{ "subnet": "fd01:2::/64" }], [{ "subnet": "fd01:3::/64" }]]);
    confs.push(with(&dual, &json!({ "ipam": { "ranges": two } })));
    if !version.starts_with("0.1") {
        confs.push(layer2(version));
    }
    confs
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Both suites say the same.
fn equal(suite: &Path, confs: &[Value]) {
    assert!(
        suite.join("bridge").exists(),
        "{} holds no reference plugins: `make deps` brings them",
        suite.display()
    );
    let theirs = printed(Some(suite.to_owned()), confs.to_vec());
    let ours = printed(None, confs.to_vec());
    for ((conf, theirs), ours) in confs.iter().zip(&theirs).zip(&ours) {
        assert_eq!(comparable(ours), comparable(theirs), "for {conf}");
    }
}

#[test]
fn results_of_0_3_1_are_those_of_1_1_1() {
    equal(Path::new(DEBIANS), &confs("0.3.1"));
}

#[test]
fn results_of_0_4_0_are_those_of_1_1_1() {
    equal(Path::new(DEBIANS), &confs("0.4.0"));
}

// Since libcni 1.2 the keys of 1.0.0 come in the order of the alphabet, and an empty `dns` not at all; so do ours.
// Debian's are older: equal but for that.
#[test]
fn results_of_1_0_0_say_what_those_of_1_1_1_say() {
    let confs = confs("1.0.0");
    let theirs = printed(Some(PathBuf::from(DEBIANS)), confs.clone());
    let ours = printed(None, confs.clone());
    for ((conf, theirs), ours) in confs.iter().zip(&theirs).zip(&ours) {
        let [mut theirs, ours] = [theirs, ours].map(|text| value(&comparable(text)));
        if theirs["dns"] == json!({}) {
            theirs.as_object_mut().map(|result| result.remove("dns"));
        }
        assert_eq!(ours, theirs, "for {conf}");
    }
}

#[test]
fn results_of_1_0_0_are_those_of_1_9_1() {
    equal(&newest_reference(), &confs("1.0.0"));
}

#[test]
fn results_of_1_1_0_are_those_of_1_9_1() {
    let routes = json!([{ "dst": "10.20.0.0/16", "gw": "10.1.2.9", "mtu": 1300, "advmss": 1200, "priority": 7, "table": 100, "scope": 0 }]);
    let mut confs = confs("1.1.0");
    confs.push(with(&confs[0], &json!({ "ipam": { "routes": routes } })));
    equal(&newest_reference(), &confs);
}

// Debian's loses what IPAM says of name servers on the way from an older version.
#[test]
fn name_servers_of_ipam_are_those_of_1_9_1_in_every_version() {
    for version in ["0.2.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let conf = with(
            &routed(version, Families::Dual),
            &json!({ "ipMasq": false, "ipam": { "resolvConf": "/run/resolv.conf" } }),
        );
        equal(&newest_reference(), &[conf]);
    }
}

#[test]
fn results_of_old_versions_are_those_of_1_9_1() {
    for version in ["0.1.0", "0.2.0"] {
        let mut confs = confs(version);
        // One address of a family is all that they can say.
        confs.retain(|conf| conf["ipam"]["ranges"].as_array().is_some_and(|sets| sets.len() < 3));
        equal(&newest_reference(), &confs);
    }
}
