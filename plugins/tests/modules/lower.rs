//! The link that a vlan or ipvlan link rests on.

use sandbox::Place;
use serde_json::json;

use crate::stage::{Stage, conf, link, msg, with};

// Upstream: each title of vlan and ipvlan with `linkInContainer`; "… without master config".
#[test]
fn the_master_may_be_the_containers() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    pod.sh(
        "ip link add m0 type veth peer name m1; ip link set m0 up; ip link set m1 up; ip addr add 198.51.100.2/24 dev m0",
    );
    // The node has one of that name and the default route, too.
    stage.node.sh("ip link add m0 type veth peer name m1; ip link set m0 up; ip addr add 192.0.2.2/24 dev m0
         ip route add default via 192.0.2.1");
    let by_route = conf("ipvlan", &json!({ "linkInContainer": true }));
    let error = stage.refused(&pod, &by_route);
    assert!(error["code"] == 7 && msg(&error).contains("default route"), "{error}");
    for conf in [
        with(&by_route, &json!({ "master": "m0" })),
        by_route,
        conf("vlan", &json!({ "linkInContainer": true, "master": "m0", "vlanId": 100 })),
    ] {
        pod.sh("ip route replace default via 198.51.100.1");
        let result = stage.add(&pod, &conf);
        assert_eq!(link(&pod, "eth0")["link"], "m0", "{conf}");
        // It stands where the default route has moved on.
        pod.sh("ip route del default");
        stage.check(&pod, &conf, &result).succeeded();
        stage.del(&pod, &conf, &result);
        assert_eq!(pod.links(), ["lo", "m0", "m1"], "{conf}");
    }
}

// Upstream: "creates an vlan link in a non-default namespace with master's MTU".
#[test]
fn the_mtu_is_the_masters_where_none_is_given() {
    let (stage, _beyond) = Stage::with_router();
    stage.node.exec(&["ip", "link", "set", "up0", "mtu", "1400"]);
    let pod = stage.node.pod("p1");
    for conf in [
        conf("vlan", &json!({ "master": "up0", "vlanId": 100 })),
        conf("ipvlan", &json!({ "master": "up0" })),
    ] {
        let result = stage.add(&pod, &conf);
        assert_eq!([&link(&pod, "eth0")["mtu"], &result["interfaces"][0]["mtu"]], [1400; 2], "{conf}");
        stage.del(&pod, &conf, &result);
    }
}
