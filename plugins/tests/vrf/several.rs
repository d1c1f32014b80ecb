//! Several interfaces, in one VRF or in more.

use sandbox::{Place, Pod};
use serde_json::{Value, json};

use crate::stage::{Stage, after, bridge, link, links, net, vrf};

/// What of an interface a table routes: its addresses, and the gateways of its routes.
fn ways(pod: &Pod, name: &str, table: &str) -> (String, String) {
    let (addresses, routes) = net(pod, name, table);
    let words: Vec<&str> = routes.split(' ').collect();
    let by_it = words.windows(2).filter(|pair| pair[1] == name).map(|pair| pair[0]);
    (addresses, by_it.collect::<Vec<_>>().join(" "))
}

const OF_ETH0: (&str, &str) = ("10.1.0.2/24 fd01::2/64", "10.1.0.1 fd01::1");
const OF_ETH1: (&str, &str) = ("10.1.1.2/24 fd01:1::2/64", "10.1.1.1 fd01:1::1");

fn told((addresses, gateways): (&str, &str)) -> (String, String) {
    (addresses.to_owned(), gateways.to_owned())
}

// "filters the correct routes to import to new VRF", "two interfaces added to the same vrf", and IPV6
#[test]
fn a_vrf_goes_with_its_last_interface() {
    let stage = Stage::new();
    let pod = stage.node.pod("c1");
    let conf = vrf(&json!({ "vrfname": "blue", "table": 10 }));
    let enter = |ifname, result: &Value| {
        stage.call(&pod, ifname, &after(&conf, result)).command("ADD").run().succeeded();
        stage.call(&pod, ifname, &after(&conf, result)).command("CHECK").run().succeeded();
    };
    // Both have routes to the same places.
    let [first, second] = ["eth0", "eth1"].map(|ifname| stage.attach(&pod, ifname));
    enter("eth0", &first);
    assert_eq!((ways(&pod, "eth0", "10"), ways(&pod, "eth1", "main")), (told(OF_ETH0), told(OF_ETH1)));
    enter("eth1", &second);
    assert_eq!((ways(&pod, "eth0", "10"), ways(&pod, "eth1", "10")), (told(OF_ETH0), told(OF_ETH1)));
    assert_eq!(net(&pod, "eth0", "main").1, "");
    stage.del(&pod, "eth0", &conf);
    assert_eq!(link(&pod, "eth1")["master"], "blue");
    assert_eq!((ways(&pod, "eth0", "main"), ways(&pod, "eth1", "10")), (told(OF_ETH0), told(OF_ETH1)));
    // B-16: an interface that is gone is no error, and nobody stays in the VRF.
    pod.exec(&["ip", "link", "del", "eth1"]);
    stage.del(&pod, "eth1", &conf);
    assert_eq!(links(&pod), ["eth0", "lo"]);
}

// "two interfaces added to different vrfs", "… with same ip", and IPV6
#[test]
fn each_vrf_has_a_table_of_its_own_and_an_address_may_be_in_two() {
    let stage = Stage::new();
    let pod = stage.node.pod("c1");
    let table = |name: &str| link(&pod, name)["linkinfo"]["info_data"]["table"].clone();
    stage.add(&pod, "eth0", &vrf(&json!({ "vrfname": "blue" })));
    stage.add(&pod, "eth1", &vrf(&json!({ "vrfname": "red", "table": 3 })));
    // The first that is free lies between; the network has the addresses of another.
    let mut same = bridge("eth0");
    (same["name"], same["bridge"]) = (json!("net2"), json!("cni2"));
    let result = stage.call(&pod, "eth2", &same).command("ADD").run().result();
    let green = after(&vrf(&json!({ "vrfname": "green" })), &result);
    stage.call(&pod, "eth2", &green).command("ADD").run().succeeded();
    assert_eq!(["blue", "red", "green"].map(table), [1, 3, 2].map(|number| json!(number)));
    assert_eq!((ways(&pod, "eth0", "1"), ways(&pod, "eth1", "3")), (told(OF_ETH0), told(OF_ETH1)));
    assert_eq!(ways(&pod, "eth2", "2"), told(OF_ETH0));
    // To the node the two are one network: it answers one of them alone.
    for (name, ifname) in [("blue", "eth0"), ("green", "eth2")] {
        for gateway in ["10.1.0.1", "fd01::1"] {
            let way = pod.exec(&["ip", "route", "get", gateway, "vrf", name]).stdout;
            assert!(way.contains(&format!("dev {ifname} ")), "{name}: {way}");
        }
    }
    let result = stage.attach(&pod, "eth3");
    for (keys, error) in [
        (json!({ "vrfname": "blue", "table": 5 }), "table: VRF blue already exists with the table 1, not 5"),
        (
            json!({ "vrfname": "black", "table": 3 }),
            "table: 3 is the table of VRF red already: black needs one of its own",
        ),
    ] {
        let refused = stage.call(&pod, "eth3", &after(&vrf(&keys), &result)).command("ADD").run().error();
        assert_eq!((&refused["code"], &refused["msg"]), (&json!(7), &json!(error)));
    }
    assert_eq!(links(&pod), ["blue", "eth0", "eth1", "eth2", "eth3", "green", "lo", "red"]);
}

// B-16
#[test]
fn one_may_enter_while_the_last_other_leaves() {
    let stage = Stage::new();
    let pod = stage.node.pod("c1");
    let conf = vrf(&json!({ "vrfname": "blue" }));
    let results = ["eth0", "eth1"].map(|ifname| stage.attach(&pod, ifname));
    let call = |number: usize, command| {
        let conf = after(&conf, &results[number]);
        stage.call(&pod, &format!("eth{number}"), &conf).command(command)
    };
    call(0, "ADD").run().succeeded();
    for round in 0..6 {
        let (leaving, entering) = (round % 2, (round + 1) % 2);
        let both = [call(leaving, "DEL").spawn(), call(entering, "ADD").spawn()];
        for one in both {
            one.wait().succeeded();
        }
        call(entering, "CHECK").run().succeeded();
        assert_eq!(link(&pod, &format!("eth{leaving}"))["master"], Value::Null, "{round}");
    }
    assert_eq!((ways(&pod, "eth0", "1"), ways(&pod, "eth1", "main")), (told(OF_ETH0), told(OF_ETH1)));
    call(0, "DEL").run().succeeded();
    assert_eq!(links(&pod), ["eth0", "eth1", "lo"]);
}
