//! `sbr` for one interface of several, with several addresses, gateways and ways.

use std::net::UdpSocket;

use sandbox::{PATIENCE, Place, Pod};
use serde_json::{Value, json};

use crate::sbr::{routes, rules, sbr};
use crate::stage::{Stage, after, bridge};

/// An interface as pods with several networks have it, `eth1`: on a bridge of its own, without a default route.
fn second(stage: &Stage, pod: &Pod) -> Value {
    let mut conf = bridge();
    conf["bridge"] = json!("cni1");
    conf["isDefaultGateway"] = json!(false);
    conf["isGateway"] = json!(true);
    conf["ipam"]["ranges"] = json!([[{ "subnet": "192.168.1.0/24" }], [{ "subnet": "fd02::/64" }]]);
    let mut result = stage.call_on(pod, "eth1", &conf).command("ADD").run().result();
    // A second IPv4 address, of another network, and what lies behind it; and two ways to one place.
    stage.node.sh("ip addr add 192.168.101.1/24 dev cni1; ip addr add 198.51.100.1/32 dev lo");
    pod.sh("ip addr add 192.168.101.209/24 dev eth1
        ip route add 198.51.100.0/24 via 192.168.101.1 dev eth1
        ip -6 route add 2001:db8::/32 via fd02::1 dev eth1
        ip -6 route append 2001:db8::/32 via fd02::fe dev eth1");
    let interface = result["ips"][0]["interface"].clone();
    let address =
        json!({ "address": "192.168.101.209/24", "gateway": "192.168.101.1", "interface": interface });
    result["ips"].as_array_mut().expect("ips").push(address);
    result
}

/// All rules, and the routes of both interfaces in the main table.
fn all(pod: &Pod) -> [Vec<String>; 3] {
    [rules(pod), routes(pod, "-4", "main"), routes(pod, "-6", "main")]
}

fn of(interface: &str, lines: &[String]) -> Vec<String> {
    lines.iter().filter(|line| line.contains(&format!("dev {interface}"))).cloned().collect()
}

/// By which address of `eth0` or `eth1` does the node see a datagram from `source` to 198.51.100.1?
fn arrives(stage: &Stage, pod: &Pod, source: &str) {
    let server = stage.node.within(|| UdpSocket::bind("198.51.100.1:0")).expect("an address of the node");
    server.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let client = pod.within(|| UdpSocket::bind((source, 0))).expect("an address of the pod");
    client.send_to(b"?", server.local_addr().expect("a socket")).expect("a way there");
    let (_, seen) = server.recv_from(&mut [0; 8]).expect("a datagram");
    assert_eq!(seen.ip().to_string(), source);
}

// Upstream: "Works with a 0.3.0 config", "Works with multiple IPs".
#[test]
fn each_address_of_one_interface_has_its_table_and_the_other_interface_notices_nothing() {
    let stage = Stage::new();
    let (pod, _) = stage.attached("c1");
    let result = second(&stage, &pod);
    let [_, v4, v6] = all(&pod);
    let before = all(&pod);
    for version in ["0.3.0", "1.1.0"] {
        let mut conf = after(&sbr(&json!({})), &result);
        conf["cniVersion"] = json!(version);
        if version == "0.3.0" {
            let ips = conf["prevResult"]["ips"].as_array_mut().expect("ips");
            for ip in ips {
                let v4 = ip["address"].as_str().is_some_and(|address| address.contains('.'));
                ip["version"] = json!(if v4 { "4" } else { "6" });
            }
        }
        conf["prevResult"]["cniVersion"] = json!(version);
        let call = |command| stage.call_on(&pod, "eth1", &conf).command(command);
        call("ADD").run().succeeded();
        assert_eq!(
            rules(&pod),
            ["192.168.101.209 lookup 102", "192.168.1.2 lookup 100", "fd02::2 lookup 101"],
            "{version}"
        );
        assert_eq!(
            routes(&pod, "-4", "100"),
            [
                "192.168.1.0/24 dev eth1 proto kernel scope link src 192.168.1.2",
                "default via 192.168.1.1 dev eth1"
            ]
        );
        assert_eq!(
            routes(&pod, "-4", "102"),
            [
                "192.168.101.0/24 dev eth1 proto kernel scope link src 192.168.101.209",
                "198.51.100.0/24 via 192.168.101.1 dev eth1",
                "default via 192.168.101.1 dev eth1",
            ]
        );
        // The kernel shows the two ways together, and in an order of its own.
        let v6_table = routes(&pod, "-6", "101").join("; ");
        for wanted in
            ["default via fd02::1", "2001:db8::/32", "nexthop via fd02::1 ", "nexthop via fd02::fe "]
        {
            assert!(v6_table.contains(wanted), "{wanted}: {v6_table}");
        }
        let [_, main4, main6] = all(&pod);
        assert_eq!((of("eth0", &main4), of("eth0", &main6)), (of("eth0", &v4), of("eth0", &v6)), "{version}");
        for source in ["10.1.2.2", "192.168.1.2", "192.168.101.209"] {
            arrives(&stage, &pod, source);
        }
        if version != "0.3.0" {
            call("CHECK").run().succeeded();
        }
        call("DEL").run().succeeded();
        assert_eq!(all(&pod), before, "{version}");
    }
}

// Upstream: "Works with static IPv4 gateway configuration", "… IPv6 …".
#[test]
fn a_gateway_of_one_family_leaves_the_other_familys() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    for (gateway, v4, v6) in
        [("10.1.2.254", "10.1.2.254", "fd01:2::1"), ("fd01:2::fe", "10.1.2.1", "fd01:2::fe")]
    {
        let conf = sbr(&json!({ "gateways": [gateway] }));
        stage.add(&pod, &conf, &result);
        for (family, table, wanted) in [("-4", "100", v4), ("-6", "101", v6)] {
            let shown = routes(&pod, family, table).join("\n");
            assert!(shown.contains(&format!("default via {wanted} dev eth0")), "{gateway}: {shown}");
        }
        stage.del(&pod, &conf, &result);
    }
    // B-08, and "fails with CNI spec versions that don't support plugin chaining".
    let status = stage.call(&pod, &sbr(&json!({}))).without("CNI_CONTAINERID").without("CNI_NETNS");
    status.without("CNI_IFNAME").command("STATUS").run().succeeded();
    let mut old = sbr(&json!({}));
    old["cniVersion"] = json!("0.2.0");
    assert_eq!(stage.call(&pod, &old).command("ADD").run().error()["code"], 7);
}
