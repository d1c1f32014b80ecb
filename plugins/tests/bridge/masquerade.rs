//! `ipMasq`, told by packets. Upstream: "configures a bridge and ipMasq rules with ipMasqBackend".

use sandbox::{Place, Router, Uplink};
use serde_json::{Value, json};

use crate::network::{Families, newest, with};
use crate::stage::Stage;

/// A node with a machine beyond it, which knows no way back to the pods' own addresses.
fn with_neighbour() -> (Stage, Router) {
    let stage = Stage::new();
    let router = stage.node.router(&Uplink::DUAL);
    // A rule that asks makes the kernel track.
    router.exec(&["nft", "add table inet seen; add chain inet seen in { type filter hook input priority 0; }; add rule inet seen in ct state new"]);
    (stage, router)
}

/// The source address that an echo request to `to`, the neighbour's, has arrived there with.
fn seen_as(router: &Router, to: &str) -> String {
    let (family, protocol) = if to.contains(':') { ("ipv6", "icmpv6") } else { ("ipv4", "icmp") };
    let tracked = router.exec(&["conntrack", "-L", "-p", protocol, "-f", family, "--dst", to]);
    let source = tracked.stdout.split_whitespace().find_map(|word| word.strip_prefix("src="));
    source.unwrap_or_else(|| panic!("nothing came to {to}: {tracked:?}")).to_owned()
}

#[test]
fn a_machine_beyond_the_node_sees_the_nodes_address() {
    for backend in [Value::Null, json!("iptables"), json!("nftables")] {
        let (stage, router) = with_neighbour();
        let pod = stage.node.pod("p1");
        stage.add(&pod, &with(&newest(Families::Dual), &json!({ "ipMasqBackend": backend })));
        for (to, wanted) in [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")] {
            // It would not know where else to send its answer.
            pod.ping(to);
            assert_eq!(seen_as(&router, to), wanted);
        }
    }
}

#[test]
fn without_ip_masq_it_sees_the_pods() {
    let (stage, router) = with_neighbour();
    let pod = stage.node.pod("p1");
    stage.add(&pod, &with(&newest(Families::Dual), &json!({ "ipMasq": false })));
    router.sh("ip route add 10.1.2.0/24 via 192.0.2.2; ip route add fd01:2::/64 via 2001:db8::2");
    for (to, wanted) in [("192.0.2.1", "10.1.2.2"), ("2001:db8::1", "fd01:2::2")] {
        pod.ping(to);
        assert_eq!(seen_as(&router, to), wanted);
    }
    assert!(!stage.node.exec(&["nft", "list", "ruleset"]).stdout.contains("masquerade"));
}

// The pods' network may reach over several nodes: inside it, addresses stay.
#[test]
fn the_own_subnet_sees_the_pods_address() {
    let (stage, router) = with_neighbour();
    let pod = stage.node.pod("p1");
    let ranges = json!([
        [{ "subnet": "10.1.0.0/16", "rangeStart": "10.1.2.2", "rangeEnd": "10.1.2.9", "gateway": "10.1.2.1" }],
        [{ "subnet": "fd01::/32", "rangeStart": "fd01:0:2::2", "rangeEnd": "fd01:0:2::9", "gateway": "fd01:0:2::1" }],
    ]);
    stage.add(&pod, &with(&newest(Families::Dual), &json!({ "ipam": { "ranges": ranges } })));
    router.sh("ip addr add 10.1.9.9/32 dev lo; ip addr add fd01:0:9::9/128 dev lo nodad
               ip route add 10.1.2.0/24 via 192.0.2.2; ip route add fd01:0:2::/48 via 2001:db8::2");
    stage.node.sh("ip route add 10.1.9.9 via 192.0.2.1; ip route add fd01:0:9::9 via 2001:db8::1");
    pod.sh("ip route add 10.1.9.9 via 10.1.2.1; ip route add fd01:0:9::9 via fd01:0:2::1");
    for (to, wanted) in [("10.1.9.9", "10.1.2.2"), ("fd01:0:9::9", "fd01:0:2::2")] {
        pod.ping(to);
        assert_eq!(seen_as(&router, to), wanted);
    }
}

#[test]
fn after_del_who_has_the_address_is_not_masqueraded() {
    let (stage, router) = with_neighbour();
    let (old, new) = (stage.node.pod("p1"), stage.node.pod("p2"));
    let ranges = json!([[{ "subnet": "10.1.2.0/24", "rangeStart": "10.1.2.7", "rangeEnd": "10.1.2.7" }]]);
    let conf = with(&newest(Families::V4), &json!({ "ipam": { "ranges": ranges } }));
    let result = stage.add(&old, &conf);
    old.ping("192.0.2.1");
    stage.del(&old, &conf, &result);
    router.exec(&["ip", "route", "add", "10.1.2.0/24", "via", "192.0.2.2"]);
    stage.add(&new, &with(&conf, &json!({ "ipMasq": false })));
    router.exec(&["conntrack", "-F"]);
    new.ping("192.0.2.1");
    assert_eq!(seen_as(&router, "192.0.2.1"), "10.1.2.7");
}
