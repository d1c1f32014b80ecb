//! What holds for each plugin here, whatever its link is.

use sandbox::{Allowed, Place, Pod, Router, Snapshot};
use serde_json::{Value, json};

use crate::stage::{Stage, addresses, link, msg, v4, with};
use crate::table::{WITHOUT_IPAM, plugins};

/// Every version of the specification.
const VERSIONS: [&str; 7] = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/// A node with an uplink `up0` and a device `dev0`.
fn stage() -> (Stage, Router) {
    let (stage, router) = Stage::with_router();
    stage.node.sh("ip link add dev0 address 02:00:00:00:00:55 type veth peer name far0; ip link set far0 up");
    (stage, router)
}

/// The device goes down and up and gets another index: what says so is not told apart.
fn before(stage: &Stage) -> Snapshot {
    stage.before().forgiving(&[Allowed::Containing("dev0"), Allowed::Containing("far0")])
}

/// One network of each plugin, by itself: `net-PLUGIN`.
fn networks() -> Vec<Value> {
    let network = |(plugin, keys): (&str, Value)| {
        let mut network = v4(plugin, &keys);
        network["name"] = json!(format!("net-{plugin}"));
        network["ipam"]["routes"] = json!([{ "dst": "0.0.0.0/0" }, { "dst": "10.9.0.0/16", "table": 100 }]);
        network
    };
    plugins().into_iter().map(network).collect()
}

/// Up to 0.2.0 a result is its addresses.
fn has_interfaces(version: &str) -> bool {
    !version.starts_with("0.1") && !version.starts_with("0.2")
}

/// CHECK came with 0.4.0.
fn has_check(version: &str) -> bool {
    has_interfaces(version) && !version.starts_with("0.3")
}

// Upstream: "configures and deconfigures … with ADD/DEL", "… with ADD/CHECK/DEL", "deconfigures an unconfigured … link with
// DEL", in each version.
#[test]
fn each_has_a_life_in_every_version() {
    let (stage, _beyond) = stage();
    let pod = stage.node.pod("p1");
    let before = before(&stage);
    for network in networks() {
        stage.del(&pod, &network, &Value::Null);
        for version in VERSIONS {
            life(&stage, &pod, &with(&network, &json!({ "cniVersion": version })));
        }
    }
    before.assert_same(&Snapshot::take(&stage.node));
}

fn life(stage: &Stage, pod: &Pod, conf: &Value) {
    let version = conf["cniVersion"].as_str().expect("a configuration has a version");
    let result = stage.add(pod, conf);
    assert_eq!(result["cniVersion"], version, "{conf}");
    let told = if has_interfaces(version) { &result["ips"][0]["address"] } else { &result["ip4"]["ip"] };
    assert_eq!(addresses(pod, "eth0"), [told.as_str().expect("an address")], "{conf}");
    let check = stage.check(pod, conf, &result);
    if has_check(version) {
        check.succeeded();
    } else {
        assert_eq!(check.error()["code"], 1, "{conf}");
    }
    stage.del(pod, conf, &result);
    assert_eq!(pod.links(), ["lo"], "{conf}");
}

// Upstream: "configures and deconfigures a l2 macvlan link with ADD/DEL", in each version.
#[test]
fn without_addresses_a_result_needs_a_version_that_can_say_so() {
    let (stage, _beyond) = stage();
    let pod = stage.node.pod("p1");
    let before = before(&stage);
    for network in
        networks().iter().filter(|network| WITHOUT_IPAM.iter().any(|plugin| network["type"] == *plugin))
    {
        for version in VERSIONS {
            let conf = with(network, &json!({ "cniVersion": version, "ipam": null }));
            if has_interfaces(version) {
                let result = stage.add(&pod, &conf);
                assert!(link(&pod, "eth0")["flags"].to_string().contains("\"UP\""), "{conf}");
                if has_check(version) {
                    stage.check(&pod, &conf, &result).succeeded();
                }
                stage.del(&pod, &conf, &result);
            } else {
                let error = stage.refused(&pod, &conf);
                assert_eq!(error["msg"], "cannot convert: no valid IP addresses", "{conf}");
            }
            assert_eq!(pod.links(), ["lo"], "{conf}");
        }
    }
    before.assert_same(&Snapshot::take(&stage.node));
}

// B-10, B-11, B-12: an ADD that fails after IPAM gives the address back, and the device.
#[test]
fn what_fails_after_ipam_leaves_nothing() {
    let (stage, _beyond) = stage();
    let pod = stage.node.pod("p1");
    let before = before(&stage);
    let unreachable = networks().into_iter().map(|mut network| {
        network["ipam"]["routes"] = json!([{ "dst": "10.77.0.0/16", "gw": "192.168.77.1" }]);
        (network, "10.77.0.0/16 via 192.168.77.1")
    });
    // And what of each kind the kernel refuses.
    let refused = [
        (v4("host-device", &json!({ "device": "lo" })), "lo"),
        (v4("macvlan", &json!({ "master": "lo" })), "lo"),
        (v4("tap", &json!({ "mtu": 20 })), "mtu 20"),
        (v4("ptp", &json!({ "mtu": 20 })), "mtu 20"),
    ];
    for (conf, said) in unreachable.chain(refused) {
        let error = stage.refused(&pod, &conf);
        assert!(msg(&error).contains(said), "{error}");
        assert_eq!(pod.links(), ["lo"], "{conf}");
        assert_eq!(link(&stage.node, "dev0")["address"], "02:00:00:00:00:55");
    }
    before.assert_same(&Snapshot::take(&stage.node));
}

/// How a container's link, or the whole container, goes before its DEL.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Somebody takes the link away by hand.
    LinkGone,
    /// The namespace goes, and `CNI_NETNS` leads nowhere, as most runtimes call then.
    PathGone,
    /// The namespace goes, and `CNI_NETNS` is absent.
    NoPath,
}

// B-02, B-03, B-13: rules, address and name go with DEL whatever is gone before.
#[test]
fn del_needs_neither_link_nor_namespace() {
    let (stage, _beyond) = stage();
    let before = before(&stage);
    for network in networks() {
        for end in [End::LinkGone, End::PathGone, End::NoPath] {
            let pod = stage.node.pod("p1");
            let result = stage.add(&pod, &network);
            let call = stage.call(&pod, &with(&network, &json!({ "prevResult": result }))).command("DEL");
            if network["type"] == "host-device" {
                // As the kernel does with hardware; a veth end would go with its namespace.
                stage.node.sh(&format!("nsenter --net={} ip link set eth0 netns $$ name dev7", pod.path()));
            } else if let End::LinkGone = end {
                pod.exec(&["ip", "link", "del", "eth0"]);
            }
            match end {
                End::LinkGone => call.run().succeeded(),
                End::PathGone => {
                    pod.remove();
                    call.run().succeeded();
                }
                End::NoPath => {
                    pod.remove();
                    call.without("CNI_NETNS").run().succeeded();
                }
            }
            let home = link(&stage.node, "dev0");
            assert_eq!(home["address"], "02:00:00:00:00:55", "{end:?} of {network}");
        }
    }
    before.assert_same(&Snapshot::take(&stage.node));
}

// B-27: the reference's CHECK takes any default route, and finds none in another table.
#[test]
fn check_misses_an_address_and_each_route_as_it_was_made() {
    let (stage, _beyond) = stage();
    for network in networks() {
        let pod = stage.node.pod("p1");
        let result = stage.add(&pod, &network);
        stage.check(&pod, &network, &result).succeeded();
        let address = result["ips"][0]["address"].as_str().expect("an address");
        let back = "ip route replace default via 10.1.2.1 dev eth0";
        let other = "ip route replace default via 10.1.2.99 dev eth0 onlink";
        let there = "ip route add 10.9.0.0/16 via 10.1.2.1 dev eth0 table 100";
        let take = format!("ip addr del {address} dev eth0");
        for (harm, said, mend) in [
            (other, "0.0.0.0/0 via 10.1.2.1", back),
            ("ip route del default", "0.0.0.0/0 via 10.1.2.1", back),
            ("ip route flush table 100", "10.9.0.0/16", there),
            (&take, address, "true"),
        ] {
            pod.sh(harm);
            let error = stage.check(&pod, &network, &result).error();
            assert!(msg(&error).contains(said), "{harm}: {error}");
            pod.sh(mend);
        }
        stage.del(&pod, &network, &result);
    }
}

// B-07
#[test]
fn gc_takes_what_is_not_listed_and_the_address_with_it() {
    let (stage, _beyond) = stage();
    let before = before(&stage);
    let (gone, stays) = (stage.node.pod("p1"), stage.node.pod("p2"));
    for network in networks() {
        // There is one device, and one link of a VLAN.
        let alone = network["type"] == "host-device" || network["type"] == "vlan";
        let other = if alone { None } else { Some(stage.add(&stays, &network)) };
        stage.add(&gone, &network);
        stage.gc(&network, &["p2"]);
        assert_eq!(gone.links(), ["lo"], "{network}");
        if let Some(result) = other {
            stage.check(&stays, &network, &result).succeeded();
            stage.del(&stays, &network, &result);
        }
        assert_eq!(link(&stage.node, "dev0")["address"], "02:00:00:00:00:55");
    }
    before.assert_same(&Snapshot::take(&stage.node));
}
