//! Golden plans.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them when it updates")]

use cni::{Ip, Route, Success};
use expect_test::{Expect, expect};
use netstate::{Attachment, LinkName};
use serde_json::{Value, json};

use super::conf;
use crate::interface::bridge::Ground;
use crate::interface::bridge::lease::settle;
use crate::interface::bridge::plan::plan;
use crate::interface::flow::{Ends, Wanted};

fn ip(address: &str) -> Ip {
    Ip { interface: None, address: address.parse().expect("an address"), gateway: None }
}

fn dual() -> Success {
    Success { ips: vec![ip("10.1.2.9/24"), ip("fd01:2::9/64")], ..Success::default() }
}

fn v4() -> Success {
    Success { ips: vec![ip("10.1.2.9/24")], ..Success::default() }
}

fn golden_on(bridge: Ground, keys: &Value, lease: Success, wanted: &Expect) {
    let owner =
        Attachment { network: "net1".to_owned(), container: "c1".to_owned(), ifname: "eth0".to_owned() };
    let name = |name: &str| name.parse::<LinkName>().expect("a name");
    let conf = conf(keys);
    let result = settle(&conf, lease);
    let ends = Ends {
        host: name("veth0"),
        host_mac: "02:00:00:00:00:01".parse().expect("a MAC"),
        container: name("eth0"),
        container_mac: "02:00:00:00:00:02".parse().expect("a MAC"),
    };
    let sandbox = "/run/netns/c1".to_owned();
    wanted.assert_eq(
        &plan(&conf, bridge, &Wanted { owner: owner.clone(), ends, sandbox, result: &result }).to_string(),
    );
}

fn golden(keys: &Value, lease: Success, wanted: &Expect) {
    golden_on(Ground::Node, keys, lease, wanted);
}

#[test]
fn layer_2() {
    golden(
        &json!({}),
        Success::default(),
        &expect![[r#"
        host      bridge cni0
        host      sysctl net/ipv6/conf/cni0/accept_ra = 0
        host      veth veth0 address 02:00:00:00:00:01 peer eth0 address 02:00:00:00:00:02 master cni0
        container link eth0 up
    "#]],
    );
}

#[test]
fn layer_2_that_stays_down() {
    golden(
        &json!({ "disableContainerInterface": true, "mtu": 1400 }),
        Success::default(),
        &expect![[r#"
        host      bridge cni0 mtu 1400
        host      sysctl net/ipv6/conf/cni0/accept_ra = 0
        host      veth veth0 address 02:00:00:00:00:01 peer eth0 address 02:00:00:00:00:02 mtu 1400 master cni0
    "#]],
    );
}

#[test]
fn a_gateway() {
    golden(
        &json!({ "isGateway": true }),
        v4(),
        &expect![[r#"
        host      bridge cni0
        host      sysctl net/ipv6/conf/cni0/accept_ra = 0
        host      address 10.1.2.1/24 dev cni0
        host      forwarding IPv4
        host      veth veth0 address 02:00:00:00:00:01 peer eth0 address 02:00:00:00:00:02 master cni0
        container address 10.1.2.9/24 dev eth0
        container link eth0 up
    "#]],
    );
}

#[test]
fn a_default_gateway_with_masquerade_in_both_families() {
    golden(
        &json!({ "isDefaultGateway": true, "ipMasq": true }),
        dual(),
        &expect![[r#"
        host      bridge cni0
        host      sysctl net/ipv6/conf/cni0/accept_ra = 0
        host      address 10.1.2.1/24 dev cni0
        host      address fd01:2::1/64 dev cni0
        host      forwarding IPv4
        host      forwarding IPv6
        host      masquerade 10.1.2.9 outside 10.1.2.0/24
        host      masquerade fd01:2::9 outside fd01:2::/64
        host      veth veth0 address 02:00:00:00:00:01 peer eth0 address 02:00:00:00:00:02 master cni0
        container sysctl net/ipv6/conf/lo/disable_ipv6 = 0
        container sysctl net/ipv6/conf/eth0/disable_ipv6 = 0
        container sysctl net/ipv6/conf/eth0/keep_addr_on_down = 1
        container address 10.1.2.9/24 dev eth0
        container address fd01:2::9/64 dev eth0
        container link eth0 up
        container route 0.0.0.0/0 via 10.1.2.1 dev eth0
        container route ::/0 via fd01:2::1 dev eth0
    "#]],
    );
}

#[test]
fn addresses_without_a_gateway() {
    golden(
        &json!({}),
        dual(),
        &expect![[r#"
        host      bridge cni0
        host      sysctl net/ipv6/conf/cni0/accept_ra = 0
        host      veth veth0 address 02:00:00:00:00:01 peer eth0 address 02:00:00:00:00:02 master cni0
        container sysctl net/ipv6/conf/lo/disable_ipv6 = 0
        container sysctl net/ipv6/conf/eth0/disable_ipv6 = 0
        container sysctl net/ipv6/conf/eth0/keep_addr_on_down = 1
        container address 10.1.2.9/24 dev eth0
        container address fd01:2::9/64 dev eth0
        container link eth0 up
    "#]],
    );
}

#[test]
fn a_guarded_port_that_is_isolated_and_turns_frames_back() {
    golden(
        &json!({ "macspoofchk": true, "hairpinMode": true, "portIsolation": true, "bridge": "br1" }),
        v4(),
        &expect![[r#"
            host      bridge br1
            host      sysctl net/ipv6/conf/br1/accept_ra = 0
            host      guard veth0 lladdr 02:00:00:00:00:02
            host      veth veth0 address 02:00:00:00:00:01 peer eth0 address 02:00:00:00:00:02 master br1 hairpin isolated
            container address 10.1.2.9/24 dev eth0
            container link eth0 up
        "#]],
    );
}

#[test]
fn a_promiscuous_bridge() {
    golden(
        &json!({ "promiscMode": true }),
        Success::default(),
        &expect![[r#"
        host      bridge cni0 promisc
        host      sysctl net/ipv6/conf/cni0/accept_ra = 0
        host      veth veth0 address 02:00:00:00:00:01 peer eth0 address 02:00:00:00:00:02 master cni0
        container link eth0 up
    "#]],
    );
}

#[test]
fn duplicate_address_detection() {
    golden(
        &json!({ "enabledad": true }),
        dual(),
        &expect![[r#"
        host      bridge cni0
        host      sysctl net/ipv6/conf/cni0/accept_ra = 0
        host      veth veth0 address 02:00:00:00:00:01 peer eth0 address 02:00:00:00:00:02 master cni0
        container sysctl net/ipv6/conf/lo/disable_ipv6 = 0
        container sysctl net/ipv6/conf/eth0/disable_ipv6 = 0
        container sysctl net/ipv6/conf/eth0/keep_addr_on_down = 1
        container sysctl net/ipv6/conf/eth0/enhanced_dad = 1
        container sysctl net/ipv6/conf/eth0/accept_dad = 1
        container address 10.1.2.9/24 dev eth0
        container address fd01:2::9/64 dev eth0 dad
        container link eth0 up
    "#]],
    );
}

#[test]
fn a_vlan_with_a_gateway_of_its_own() {
    golden(
        &json!({ "vlan": 100, "isGateway": true }),
        v4(),
        &expect![[r#"
        host      bridge cni0 vlan_filtering
        host      sysctl net/ipv6/conf/cni0/accept_ra = 0
        host      veth cni0.100 onto cni0 vlan 100 untagged
        host      sysctl net/ipv6/conf/cni0.100/accept_ra = 0
        host      address 10.1.2.1/24 dev cni0.100
        host      forwarding IPv4
        host      veth veth0 address 02:00:00:00:00:01 peer eth0 address 02:00:00:00:00:02 master cni0 vlan 100 untagged
        container address 10.1.2.9/24 dev eth0
        container link eth0 up
    "#]],
    );
}

#[test]
fn a_trunk() {
    let trunk = json!([{ "minID": 200, "maxID": 202 }]);
    golden(
        &json!({ "vlanTrunk": trunk, "preserveDefaultVlan": true, "isGateway": true }),
        v4(),
        &expect![[r#"
            host      bridge cni0 vlan_filtering
            host      sysctl net/ipv6/conf/cni0/accept_ra = 0
            host      address 10.1.2.1/24 dev cni0
            host      forwarding IPv4
            host      veth veth0 address 02:00:00:00:00:01 peer eth0 address 02:00:00:00:00:02 master cni0 vlan 200 vlan 201 vlan 202
            container address 10.1.2.9/24 dev eth0
            container link eth0 up
        "#]],
    );
}

#[test]
fn a_bridge_with_an_uplink_announces() {
    golden_on(
        Ground::Uplink,
        &json!({}),
        dual(),
        &expect![[r#"
            host      bridge cni0
            host      sysctl net/ipv6/conf/cni0/accept_ra = 0
            host      veth veth0 address 02:00:00:00:00:01 peer eth0 address 02:00:00:00:00:02 master cni0
            container sysctl net/ipv6/conf/lo/disable_ipv6 = 0
            container sysctl net/ipv6/conf/eth0/disable_ipv6 = 0
            container sysctl net/ipv6/conf/eth0/keep_addr_on_down = 1
            container sysctl net/ipv4/conf/eth0/arp_notify = 1
            container sysctl net/ipv6/conf/eth0/ndisc_notify = 1
            container address 10.1.2.9/24 dev eth0
            container address fd01:2::9/64 dev eth0
            container link eth0 up
            container announce the addresses of eth0
        "#]],
    );
}

#[test]
fn routes_with_all_that_they_can_say() {
    let full = Route {
        mtu: Some(1300),
        advmss: Some(1200),
        priority: Some(7),
        table: Some(100),
        scope: Some(0),
        ..Route::new(
            "10.20.0.0/16".parse().expect("a network"),
            Some("10.1.2.77".parse().expect("an address")),
        )
    };
    let open = ["10.21.0.0/16", "fd21::/16"].map(|to| Route::new(to.parse().expect("a network"), None));
    let routes = std::iter::once(full).chain(open).collect();
    golden(
        &json!({ "isGateway": true }),
        Success { routes, ..dual() },
        &expect![[r#"
        host      bridge cni0
        host      sysctl net/ipv6/conf/cni0/accept_ra = 0
        host      address 10.1.2.1/24 dev cni0
        host      address fd01:2::1/64 dev cni0
        host      forwarding IPv4
        host      forwarding IPv6
        host      veth veth0 address 02:00:00:00:00:01 peer eth0 address 02:00:00:00:00:02 master cni0
        container sysctl net/ipv6/conf/lo/disable_ipv6 = 0
        container sysctl net/ipv6/conf/eth0/disable_ipv6 = 0
        container sysctl net/ipv6/conf/eth0/keep_addr_on_down = 1
        container address 10.1.2.9/24 dev eth0
        container address fd01:2::9/64 dev eth0
        container link eth0 up
        container route 10.20.0.0/16 via 10.1.2.77 dev eth0 metric 7 table 100 mtu 1300 advmss 1200 scope 0
        container route 10.21.0.0/16 via 10.1.2.1 dev eth0
        container route fd21::/16 via fd01:2::1 dev eth0
    "#]],
    );
}
