//! Interfaces in virtual routing and forwarding domains. Not every kernel has them: these tests run in the virtual machine
//! (`conformance/vm/suite`); `tests/chained/vrf_support.rs` says what the others answer.

use std::path::{Path, PathBuf};

use sandbox::{Call, End, Node, Place, Pod, Victims, kill_after, stride};
use serde_json::{Value, json};

struct Stage {
    node: Node,
    bin: PathBuf,
}

impl Stage {
    fn new() -> Self {
        let node = Node::enter();
        let bin = node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &["bridge", "host-local", "vrf"]);
        Self { node, bin }
    }

    fn call(&self, pod: &Pod, ifname: &str, conf: &Value) -> Call {
        let kind = conf["type"].as_str().expect("type is text");
        Call::new(self.bin.join(kind)).container(pod.name()).netns(pod).ifname(ifname).conf(conf)
    }

    /// An interface by `bridge`, in a network of its own, and what ADD printed.
    fn attach(&self, pod: &Pod, ifname: &str) -> Value {
        self.call(pod, ifname, &bridge(ifname)).command("ADD").run().result()
    }

    fn add(&self, pod: &Pod, ifname: &str, conf: &Value) -> Value {
        let result = self.attach(pod, ifname);
        assert_eq!(self.call(pod, ifname, &after(conf, &result)).command("ADD").run().result(), result);
        self.call(pod, ifname, &after(conf, &result)).command("CHECK").run().succeeded();
        result
    }

    fn del(&self, pod: &Pod, ifname: &str, conf: &Value) {
        self.call(pod, ifname, conf).command("DEL").run().succeeded();
    }
}

/// `eth0` is in 10.1.0.0/24 and fd01::/64, `eth1` in 10.1.1.0/24, …
fn bridge(ifname: &str) -> Value {
    let number = ifname.trim_start_matches("eth");
    json!({
        "cniVersion": "1.1.0", "name": format!("net{number}"), "type": "bridge", "bridge": format!("cni{number}"),
        "isGateway": true,
        "ipam": {
            "type": "host-local",
            "ranges": [[{ "subnet": format!("10.1.{number}.0/24") }], [{ "subnet": format!("fd01:{number}::/64") }]],
            "routes": [{ "dst": "192.0.2.0/24" }, { "dst": "2001:db8::/32" }],
        },
    })
}

fn vrf(keys: &Value) -> Value {
    let mut conf = json!({ "cniVersion": "1.1.0", "name": "net", "type": "vrf" });
    for (key, value) in keys.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    conf
}

fn after(conf: &Value, result: &Value) -> Value {
    let mut conf = conf.clone();
    conf["prevResult"] = result.clone();
    conf
}

fn link(pod: &Pod, name: &str) -> Value {
    let text = pod.exec(&["ip", "-j", "-d", "link", "show", "dev", name]).stdout;
    let shown: Value = serde_json::from_str(&text).expect("ip prints JSON");
    shown[0].clone()
}

fn links(pod: &Pod) -> Vec<String> {
    let mut links = pod.links();
    links.sort();
    links
}

/// Global addresses of both families, and the routes of a table that lead through a gateway.
fn net(pod: &Pod, name: &str, table: &str) -> (String, String) {
    let addresses = pod.exec(&[
        "sh",
        "-c",
        &format!("ip -o addr show dev {name} scope global | awk '{{print $4}}' | sort | xargs"),
    ]);
    let routes = pod.exec(&[
        "sh",
        "-c",
        &format!("{{ ip route show table {table}; ip -6 route show table {table}; }} 2>/dev/null | awk '/via/ {{print $1, $3, $5}}' | sort | xargs"),
    ]);
    (addresses.stdout.trim().to_owned(), routes.stdout.trim().to_owned())
}

const ADDRESSES: &str = "10.1.0.2/24 fd01:0::2/64";
const ROUTES: &str = "192.0.2.0/24 10.1.0.1 eth0 2001:db8::/32 fd01:0::1 eth0";

#[test]
fn an_interface_enters_its_vrf_with_addresses_and_routes_and_leaves_it_with_them() {
    let stage = Stage::new();
    let pod = stage.node.pod("c1");
    let conf = vrf(&json!({ "vrfname": "blue" }));
    let plain = |text: &str| text.replace("fd01:0::", "fd01::");
    stage.add(&pod, "eth0", &conf);
    assert_eq!(links(&pod), ["blue", "eth0", "lo"]);
    let blue = link(&pod, "blue");
    assert_eq!(
        (&blue["linkinfo"]["info_data"]["table"], &blue["flags"].to_string().contains("UP")),
        (&json!(1), &true)
    );
    assert_eq!(link(&pod, "eth0")["master"], "blue");
    assert_eq!(net(&pod, "eth0", "1"), (plain(ADDRESSES), plain(ROUTES)));
    assert_eq!(net(&pod, "eth0", "main").1, "");
    pod.exec(&["ping", "-c", "1", "-W", "5", "-I", "blue", "10.1.0.1"]);
    pod.exec(&["ping", "-c", "1", "-W", "5", "-I", "blue", "fd01::1"]);
    stage.del(&pod, "eth0", &conf);
    assert_eq!(links(&pod), ["eth0", "lo"]);
    assert_eq!(net(&pod, "eth0", "main"), (plain(ADDRESSES), plain(ROUTES)));
    stage.del(&pod, "eth0", &conf);
}

#[test]
fn a_vrf_goes_with_its_last_interface() {
    let stage = Stage::new();
    let pod = stage.node.pod("c1");
    let conf = vrf(&json!({ "vrfname": "blue", "table": 10 }));
    stage.add(&pod, "eth0", &conf);
    stage.add(&pod, "eth1", &conf);
    stage.del(&pod, "eth0", &conf);
    assert_eq!(link(&pod, "eth1")["master"], "blue");
    // B-16: an interface that is gone is no error, and nobody stays in the VRF.
    pod.exec(&["ip", "link", "del", "eth1"]);
    stage.del(&pod, "eth1", &conf);
    assert_eq!(links(&pod), ["eth0", "lo"]);
}

#[test]
fn each_vrf_has_a_table_of_its_own() {
    let stage = Stage::new();
    let pod = stage.node.pod("c1");
    let table = |name: &str| link(&pod, name)["linkinfo"]["info_data"]["table"].clone();
    stage.add(&pod, "eth0", &vrf(&json!({ "vrfname": "blue" })));
    stage.add(&pod, "eth1", &vrf(&json!({ "vrfname": "red" })));
    assert_eq!((table("blue"), table("red")), (json!(1), json!(2)));
    let other = vrf(&json!({ "vrfname": "blue", "table": 5 }));
    let result = stage.attach(&pod, "eth2");
    let refused = stage.call(&pod, "eth2", &after(&other, &result)).command("ADD").run().error();
    assert_eq!(
        (&refused["code"], &refused["msg"]),
        (&json!(7), &json!("table: VRF blue already exists with the table 1, not 5"))
    );
}

#[test]
fn an_interface_that_has_a_master_is_refused_and_one_outside_fails_its_check() {
    let stage = Stage::new();
    let pod = stage.node.pod("c1");
    let conf = vrf(&json!({ "vrfname": "blue" }));
    let result = stage.attach(&pod, "eth0");
    pod.exec(&["ip", "link", "add", "br0", "type", "bridge"]);
    pod.exec(&["ip", "link", "set", "eth0", "master", "br0"]);
    let refused = stage.call(&pod, "eth0", &after(&conf, &result)).command("ADD").run().error();
    assert_eq!(
        (&refused["code"], &refused["msg"]),
        (&json!(7), &json!("CNI_IFNAME: interface eth0 has already a master set: br0"))
    );
    pod.exec(&["ip", "link", "set", "eth0", "nomaster"]);
    let _ = stage.call(&pod, "eth0", &after(&conf, &result)).command("ADD").run().result();
    pod.exec(&["ip", "link", "set", "eth0", "nomaster"]);
    let _ = stage.call(&pod, "eth0", &after(&conf, &result)).command("CHECK").run().error();
    stage.del(&pod, "eth0", &conf);
    assert_eq!(links(&pod), ["br0", "eth0", "lo"]);
}

#[test]
fn what_the_reference_made_is_checked_and_taken_away() {
    let stage = Stage::new();
    let pod = stage.node.pod("c1");
    let conf = vrf(&json!({ "vrfname": "blue" }));
    let result = stage.attach(&pod, "eth0");
    pod.exec(&["ip", "link", "add", "blue", "type", "vrf", "table", "1"]);
    pod.exec(&["ip", "link", "set", "eth0", "master", "blue"]);
    stage.call(&pod, "eth0", &after(&conf, &result)).command("CHECK").run().succeeded();
    stage.call(&pod, "eth0", &after(&conf, &result)).command("DEL").run().succeeded();
    assert_eq!(links(&pod), ["eth0", "lo"]);
}

/// SIGKILL after every so many changes: an ADD once more and a DEL leave the container as it was.
fn kill_everywhere(command: &str) {
    let stage = Stage::new();
    let pod = stage.node.pod("c1");
    let conf = vrf(&json!({ "vrfname": "blue" }));
    let result = stage.attach(&pod, "eth0");
    let before = (links(&pod), net(&pod, "eth0", "main"));
    let call = stage.call(&pod, "eth0", &after(&conf, &result));
    let mut calls = 1;
    loop {
        if command == "DEL" {
            let _ = call.clone().command("ADD").run().result();
        }
        let end = kill_after(&call.clone().command(command), calls, Victims::Plugin);
        if calls % 2 == 1 {
            let _ = call.clone().command("ADD").run().result();
            call.clone().command("CHECK").run().succeeded();
        }
        call.clone().command("DEL").run().succeeded();
        assert_eq!((links(&pod), net(&pod, "eth0", "main")), before, "call {calls}: {end:?}");
        if matches!(end, End::Itself(_)) {
            return;
        }
        calls += stride();
    }
}

#[test]
fn an_add_may_be_killed_after_every_change() {
    kill_everywhere("ADD");
}

#[test]
fn a_del_may_be_killed_after_every_change() {
    kill_everywhere("DEL");
}
