//! static beside the reference plugin of that name: the same question, the same answer.

use std::path::{Path, PathBuf};

use sandbox::{Call, Node, Reply};
use serde_json::{Value, json};

fn ask(plugin: &Path, command: &str, conf: &Value, args: &str) -> Reply {
    let call = Call::new(plugin).command(command).conf(conf).container("c1").ifname("eth0");
    call.env("CNI_NETNS", "/no/where").args(args).run()
}

fn ours(node: &Node) -> PathBuf {
    node.install(Path::new(env!("CARGO_BIN_EXE_host-local")), &["static"]).join("static")
}

fn theirs() -> PathBuf {
    let directory = std::env::var_os("TRESTLE_REFERENCE").expect("TRESTLE_REFERENCE, as `make test` sets it");
    PathBuf::from(directory).join("static")
}

fn conf(version: &str) -> Value {
    json!({
        "cniVersion": version, "name": "net", "type": "bridge",
        "ipam": {
            "type": "static",
            "addresses": [
                { "address": "10.10.0.1/24", "gateway": "10.10.0.254" },
                { "address": "3ffe:ffff:0:01ff::1/64", "gateway": "3ffe:ffff:0::1" },
            ],
            "routes": [{ "dst": "0.0.0.0/0" }, { "dst": "192.168.0.0/16", "gw": "10.10.5.1" }],
            "dns": { "nameservers": ["8.8.8.8"], "domain": "example.com", "search": ["example.com"] },
        },
    })
}

#[test]
fn every_version_of_a_result_is_the_references_to_the_byte() {
    let node = Node::enter();
    let (ours, theirs) = (ours(&node), theirs());
    for version in ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let [own, other] =
            [&ours, &theirs].map(|plugin| ask(plugin, "ADD", &conf(version), "IgnoreUnknown=1;K=v"));
        assert_eq!((own.code, &own.stdout), (0, &other.stdout), "{version}");
        ask(&ours, "DEL", &conf(version), "").succeeded();
    }
}

#[test]
fn who_asks_for_addresses_otherwise_gets_the_references_answer() {
    let node = Node::enter();
    let (ours, theirs) = (ours(&node), theirs());
    let mut by_args = conf("1.0.0");
    by_args["args"] = json!({ "cni": { "ips": ["10.10.0.7/24", "3ffe::7/64"] } });
    let mut by_runtime = by_args.clone();
    by_runtime["runtimeConfig"] = json!({ "ips": ["10.11.0.7/24"] });
    let alone =
        json!({ "cniVersion": "1.0.0", "name": "net", "type": "bridge", "ipam": { "type": "static" } });
    for (conf, args) in [
        (&conf("1.0.0"), "IP=10.12.0.7/24,10.13.0.7/24"),
        (&alone, "IP=10.12.0.7/24, 10.13.0.7/24;GATEWAY=10.12.0.1,10.13.0.1"),
        (&by_args, "IP=10.12.0.7/24"),
        (&by_runtime, "IP=10.12.0.7/24;GATEWAY=10.11.0.1"),
    ] {
        let [own, other] = [&ours, &theirs].map(|plugin| ask(plugin, "ADD", conf, args));
        assert_eq!(own.result(), other.result(), "{args}");
    }
}

#[test]
fn check_is_asked_as_a_program() {
    let node = Node::enter();
    let plugin = ours(&node);
    let mut conf = conf("1.1.0");
    conf["prevResult"] = ask(&plugin, "ADD", &conf, "").result();
    ask(&plugin, "CHECK", &conf, "").succeeded();
    conf["ipam"]["addresses"][0]["address"] = "10.10.0.2/24".into();
    let error = ask(&plugin, "CHECK", &conf, "").error();
    assert_eq!(error["msg"], "static: prevResult has no address 10.10.0.2/24");
}
