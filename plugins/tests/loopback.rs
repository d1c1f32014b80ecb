//! `loopback` on real kernels. Upstream: "sets the lo device to UP", "sets the lo device to DOWN".

use std::path::{Path, PathBuf};
use std::thread;

use sandbox::{Call, Node, Place, Pod, Snapshot, cached};
use serde_json::{Value, json};

const VERSIONS: [&str; 7] = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

fn node() -> (Node, PathBuf) {
    let node = Node::enter();
    let bin = node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &["loopback"]);
    (node, bin)
}

fn conf(version: &str) -> Value {
    json!({ "cniVersion": version, "name": "cni-loopback", "type": "loopback" })
}

/// As containerd calls it.
fn call(bin: &Path, pod: &Pod, version: &str) -> Call {
    let call = Call::new(bin.join("loopback")).container(pod.name()).netns(pod).ifname("lo");
    call.args("IgnoreUnknown=1;K8S_POD_NAME=web").conf(conf(version))
}

fn is_up(pod: &Pod) -> bool {
    pod.exec(&["ip", "link", "show", "lo"]).stdout.contains(",UP")
}

#[test]
fn add_sets_lo_up_and_del_sets_it_down_in_every_version() {
    let (node, bin) = node();
    let pod = node.pod("p1");
    let before = Snapshot::take(&node);
    for version in VERSIONS {
        assert!(!is_up(&pod));
        let call = call(&bin, &pod, version);
        let result = call.clone().command("ADD").run().result();
        // P-075
        assert_eq!(result["cniVersion"], version);
        assert!(is_up(&pod));
        pod.ping("127.0.0.1");
        pod.ping("::1");
        for _ in ["DEL", "DEL again"] {
            let reply = call.clone().command("DEL").run();
            reply.succeeded();
            assert_eq!(reply.stdout, "");
            assert!(!is_up(&pod));
        }
    }
    before.assert_same(&Snapshot::take(&node));
}

#[test]
fn the_result_is_lo_with_both_addresses() {
    let (node, bin) = node();
    let pod = node.pod("p1");
    let result = call(&bin, &pod, "1.1.0").command("ADD").run().result();
    assert_eq!(
        result,
        json!({
            "cniVersion": "1.1.0",
            "interfaces": [{ "name": "lo", "mac": "00:00:00:00:00:00", "sandbox": "/run/netns/p1" }],
            "ips": [{ "interface": 0, "address": "127.0.0.1/8" }, { "interface": 0, "address": "::1/128" }],
        })
    );
}

/// What a suite prints.
fn printed(suite: Option<PathBuf>, version: &'static str) -> String {
    let on_its_own_node = thread::spawn(move || {
        let (node, bin) = match suite {
            Some(suite) => {
                let node = Node::enter();
                let bin = node.install_from(&suite, &["loopback"]);
                (node, bin)
            }
            None => node(),
        };
        let pod = node.pod("p1");
        let reply = call(&bin, &pod, version).command("ADD").run();
        reply.succeeded();
        reply.stdout.clone()
    });
    on_its_own_node.join().expect("the other node's thread says why")
}

// The reference's loopback prints the shape of its own newest version, whatever it was asked for; ours keeps to the
// specification, which libcni's readers of old versions need.
#[test]
fn results_of_the_newest_versions_are_the_references_to_the_byte() {
    let reference =
        std::env::var_os("TRESTLE_REFERENCE").map_or_else(|| cached("plugins-1.9.1"), PathBuf::from);
    for version in ["1.0.0", "1.1.0"] {
        assert_eq!(printed(None, version), printed(Some(reference.clone()), version));
    }
}

// P-035
#[test]
fn a_result_of_an_earlier_plugin_passes_through() {
    let (node, bin) = node();
    let pod = node.pod("p1");
    let earlier = json!({
        "cniVersion": "1.0.0",
        "interfaces": [{ "name": "eth0", "mac": "02:00:00:00:00:01", "sandbox": "/run/netns/p1" }],
        "ips": [{ "interface": 0, "address": "10.1.2.2/24", "gateway": "10.1.2.1" }],
        "routes": [{ "dst": "0.0.0.0/0" }],
        "dns": { "nameservers": ["192.0.2.53"] },
    });
    let mut conf = conf("1.0.0");
    conf["prevResult"] = earlier.clone();
    assert_eq!(call(&bin, &pod, "1.0.0").conf(conf).command("ADD").run().result(), earlier);
    assert!(is_up(&pod));
}

#[test]
fn it_works_on_lo_whatever_the_interface_is_called() {
    let (node, bin) = node();
    let pod = node.pod("p1");
    let result = call(&bin, &pod, "0.3.1").ifname("eth7").command("ADD").run().result();
    assert_eq!(result["interfaces"][0]["name"], "lo");
    assert!(is_up(&pod));
}

#[test]
fn an_address_of_the_world_on_lo_is_refused() {
    for address in ["192.0.2.7/32", "2001:db8::7/128"] {
        let (node, bin) = node();
        let pod = node.pod("p1");
        pod.exec(&["ip", "addr", "add", address, "dev", "lo"]);
        let error = call(&bin, &pod, "1.1.0").command("ADD").run().error();
        let message = format!("loopback interface found with non-loopback address \"{address}\"");
        assert_eq!([&error["code"], &error["msg"]], [&json!(999), &json!(message)]);
    }
}

// P-042
#[test]
fn del_succeeds_whatever_is_left_of_the_container() {
    let (node, bin) = node();
    let pod = node.pod("p1");
    let del = call(&bin, &pod, "0.3.1").command("DEL");
    pod.remove();
    node.write("/run/file", "");
    let gone = [
        del.clone(),
        del.clone().env("CNI_NETNS", ""),
        del.clone().without("CNI_NETNS"),
        del.clone().env("CNI_NETNS", "/run/file"),
    ];
    for del in gone {
        del.run().succeeded();
    }
}

// P-044
#[test]
fn check_finds_lo_down() {
    let (node, bin) = node();
    let pod = node.pod("p1");
    let call = call(&bin, &pod, "1.1.0");
    let mut with_result = conf("1.1.0");
    with_result["prevResult"] = call.clone().command("ADD").run().result();
    let check = call.conf(with_result).command("CHECK");
    let reply = check.run();
    reply.succeeded();
    assert_eq!(reply.stdout, "");
    pod.exec(&["ip", "link", "set", "lo", "down"]);
    let error = check.run().error();
    assert!(error["msg"].as_str().is_some_and(|msg| msg.contains("lo up: is down")), "{error}");
}

// P-045, P-046
#[test]
fn status_is_ready_and_gc_has_nothing_to_do() {
    let (_node, bin) = node();
    let call = Call::new(bin.join("loopback"));
    let mut garbage = conf("1.1.0");
    garbage["cni.dev/valid-attachments"] = json!([]);
    for (operation, conf) in [("STATUS", conf("1.1.0")), ("GC", garbage)] {
        let reply = call.clone().command(operation).conf(conf).run();
        reply.succeeded();
        assert_eq!(reply.stdout, "");
    }
}

#[test]
fn a_path_that_is_no_namespace_is_refused() {
    let (_node, bin) = node();
    let call = Call::new(bin.join("loopback")).container("p1").ifname("lo").env("CNI_NETNS", "/etc/hostname");
    assert_eq!(call.command("ADD").conf(conf("1.1.0")).run().error()["code"], 8);
}
