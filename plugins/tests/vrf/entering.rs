//! One interface enters a VRF, and leaves it.

use sandbox::Place;
use serde_json::json;

use crate::stage::{Stage, after, link, links, net, vrf};

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
