use expect_test::{Expect, expect};

use super::*;

/// What the agent makes of a text: settings, then warnings, or everything that is wrong.
fn check(text: &str, wanted: &Expect) {
    wanted.assert_eq(&match NetConf::parse(text) {
        Ok((conf, warnings)) => {
            let warnings: Vec<_> = warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
            format!("{conf:?}\n{}", warnings.concat())
        }
        Err(NetConfError::Settings(problems)) => {
            problems.iter().map(|problem| format!("error: {problem}\n")).collect::<Vec<_>>().concat()
        }
        Err(error) => format!("error: {error}\n"),
    });
}

#[test]
fn flannels_own_manifest_is_read() {
    check(
        r#"{ "Network": "10.244.0.0/16", "EnableNFTables": false, "Backend": { "Type": "vxlan" } }"#,
        &expect![[r"
            NetConf { networks: [V4(Ipv4Network { addr: 10.244.0.0, prefix: 16 })], backend: Vxlan(VxlanConf { vni: 1, port: None, mtu: None, gbp: false, learning: false, direct_routing: false, checksums: Offloaded }) }
        "]],
    );
}

#[test]
fn every_setting_of_vxlan_is_read() {
    check(
        r#"{
          "EnableIPv6": true, "Network": "10.244.0.0/16", "IPv6Network": "fd00::/48",
          "Backend": {
            "Type": "vxlan", "VNI": 4096, "Port": 4789, "MTU": 9000, "GBP": true, "Learning": true,
            "DirectRouting": true, "ChecksumOffload": false
          }
        }"#,
        &expect![[r"
            NetConf { networks: [V4(Ipv4Network { addr: 10.244.0.0, prefix: 16 }), V6(Ipv6Network { addr: fd00::, prefix: 48 })], backend: Vxlan(VxlanConf { vni: 4096, port: Some(4789), mtu: Some(9000), gbp: true, learning: true, direct_routing: true, checksums: Computed }) }
        "]],
    );
}

#[test]
fn the_other_backends_are_read() {
    check(
        r#"{"Network": "10.244.0.0/16", "Backend": {"Type": "host-gw"}}"#,
        &expect![[r"
        NetConf { networks: [V4(Ipv4Network { addr: 10.244.0.0, prefix: 16 })], backend: HostGw }
    "]],
    );
    check(
        r#"{"EnableIPv4": false, "EnableIPv6": true, "IPv6Network": "fd00::/48", "Backend": {"Type": "alloc"}}"#,
        &expect![[r"
            NetConf { networks: [V6(Ipv6Network { addr: fd00::, prefix: 48 })], backend: Alloc }
        "]],
    );
}

#[test]
fn keys_match_in_any_case_and_null_is_absent() {
    check(
        r#"{"network": "10.244.7.0/16", "ENABLEIPV6": null, "backend": {"type": "VXLAN", "vni": 7, "Port": 0, "MTU": null, "VNI": 8}}"#,
        &expect![[r"
            NetConf { networks: [V4(Ipv4Network { addr: 10.244.0.0, prefix: 16 })], backend: Vxlan(VxlanConf { vni: 8, port: None, mtu: None, gbp: false, learning: false, direct_routing: false, checksums: Offloaded }) }
        "]],
    );
}

#[test]
fn what_has_no_effect_is_told() {
    check(
        r#"{
          "Network": "10.244.0.0/16", "IPv6Network": "fd00::/48", "SubnetLen": 24, "SubnetMin": "10.244.10.0",
          "Netwrok": "10.0.0.0/8", "Backend": {"Type": "host-gw", "VNI": 1, "Colour": "red"}
        }"#,
        &expect![[r"
            NetConf { networks: [V4(Ipv4Network { addr: 10.244.0.0, prefix: 16 })], backend: HostGw }
            warning: IPv6Network has no effect: its family is not enabled
            warning: Backend.VNI has no effect: a setting of vxlan
            warning: Backend.Colour: unknown, has no effect
            warning: SubnetLen has no effect: a node's subnet comes with its Node
            warning: SubnetMin has no effect: a node's subnet comes with its Node
            warning: Netwrok: unknown, has no effect
        "]],
    );
    check(
        r#"{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan", "MacPrefix": "0E-2A", "DirectRoute": true}}"#,
        &expect![[r"
            NetConf { networks: [V4(Ipv4Network { addr: 10.244.0.0, prefix: 16 })], backend: Vxlan(VxlanConf { vni: 1, port: None, mtu: None, gbp: false, learning: false, direct_routing: false, checksums: Offloaded }) }
            warning: Backend.MacPrefix has no effect: a setting for Windows
            warning: Backend.DirectRoute: unknown, has no effect
        "]],
    );
}

#[test]
fn every_bad_setting_is_told_at_once() {
    check(
        r#"{
          "EnableIPv4": "yes", "EnableIPv6": true, "Network": "fd00::/48", "IPv6Network": 6, "EnableNFTables": 1,
          "Backend": {"Type": "vxlan", "VNI": 16777216, "Port": -1, "MTU": 100, "GBP": "no", "Learning": 0, "ChecksumOffload": "off"}
        }"#,
        &expect![[r#"
            error: EnableIPv4: invalid value "yes": expected true or false
            error: Network: invalid value "fd00::/48": expected an IPv4 network with a prefix of 1 or longer
            error: IPv6Network: invalid value 6: expected string
            error: Backend.ChecksumOffload: invalid value "off": expected true or false
            error: Backend.VNI: invalid value 16777216: expected a number from 0 to 16777215
            error: Backend.Port: invalid value -1: expected a number from 0 to 65535
            error: Backend.MTU: invalid value 100: expected a number from 576 to 65535
            error: Backend.GBP: invalid value "no": expected true or false
            error: Backend.Learning: invalid value 0: expected true or false
            error: EnableNFTables: invalid value 1: expected true or false
        "#]],
    );
}

#[test]
fn the_least_mtu_is_that_of_the_families_in_use() {
    let is_taken = |mtu: &str, ipv6: &str| {
        let text = format!(
            r#"{{"EnableIPv6": {ipv6}, "Network": "10.244.0.0/16", "IPv6Network": "fd00::/48",
                 "Backend": {{"Type": "vxlan", "MTU": {mtu}}}}}"#
        );
        NetConf::parse(&text).is_ok()
    };
    assert_eq!(["575", "576", "0"].map(|mtu| is_taken(mtu, "false")), [false, true, true]);
    assert_eq!(["1349", "1350", "65536"].map(|mtu| is_taken(mtu, "true")), [false, true, false]);
}

#[test]
fn what_is_missing_is_told() {
    check(
        r#"{"EnableIPv6": true}"#,
        &expect![[r"
        error: Network: missing: the network of all pods' IPv4 addresses
        error: IPv6Network: missing: the network of all pods' IPv6 addresses
        error: Backend.Type: missing: one of vxlan, host-gw, alloc
    "]],
    );
    check(
        r#"{"Network": "", "Backend": {}}"#,
        &expect![[r"
        error: Network: missing: the network of all pods' IPv4 addresses
        error: Backend.Type: missing: one of vxlan, host-gw, alloc
    "]],
    );
    check(
        r#"{"EnableIPv4": false, "Backend": {"Type": "vxlan"}}"#,
        &expect![[r"
        error: EnableIPv4, EnableIPv6: invalid value false: one of them must be true
    "]],
    );
}

#[test]
fn a_network_of_the_wrong_kind_is_refused() {
    for network in ["10.244.0.0", "10.244.0.0/33", "0.0.0.0/0", "10.244.0/16", "pods"] {
        let text = format!(r#"{{"Network": "{network}", "Backend": {{"Type": "vxlan"}}}}"#);
        let problem = Problem::Network { key: "Network", value: network.to_owned(), family: Family::V4 };
        assert_eq!(NetConf::parse(&text), Err(NetConfError::Settings(vec![problem])));
    }
}

#[test]
fn backends_of_flannels_alone_are_named() {
    for name in ["udp", "wireguard", "ipip", "ipsec", "extension", "tencent-vpc"] {
        let text = format!(r#"{{"Network": "10.244.0.0/16", "Backend": {{"Type": "{name}", "PSK": "x"}}}}"#);
        let problem = Problem::NotOffered(name.to_owned());
        assert_eq!(NetConf::parse(&text), Err(NetConfError::Settings(vec![problem])));
    }
    check(
        r#"{"Network": "10.244.0.0/16", "Backend": {"Type": "wireguard"}}"#,
        &expect![[r#"
        error: Backend.Type: invalid value "wireguard": a backend of flannel's that is not offered here, one of vxlan, host-gw, alloc is
    "#]],
    );
    check(
        r#"{"Network": "10.244.0.0/16", "Backend": {"Type": "gre"}}"#,
        &expect![[r#"
        error: Backend.Type: invalid value "gre": expected one of vxlan, host-gw, alloc
    "#]],
    );
    check(
        r#"{"Network": "10.244.0.0/16", "Backend": {"Type": 1}}"#,
        &expect![[r"
        error: Backend.Type: invalid value 1: expected string
    "]],
    );
    check(
        r#"{"Network": "10.244.0.0/16", "Backend": "vxlan"}"#,
        &expect![[r#"
        error: Backend: invalid value "vxlan": expected object
    "#]],
    );
}

#[test]
fn a_text_that_is_no_object_is_refused() {
    check(
        "",
        &expect![[r"
        error: no JSON: EOF while parsing a value at line 1 column 0
    "]],
    );
    check(
        r#"{"Network": "10.244.0.0/16", "#,
        &expect![[r"
        error: no JSON: EOF while parsing a value at line 1 column 29
    "]],
    );
    check(
        "[]",
        &expect![[r"
        error: no JSON object
    "]],
    );
}

#[test]
fn networks_are_found_by_family() {
    let text = r#"{"EnableIPv6": true, "Network": "10.244.0.0/16", "IPv6Network": "fd00::/48", "Backend": {"Type": "vxlan"}}"#;
    let (conf, _) = NetConf::parse(text).unwrap();
    assert_eq!(conf.networks, ["10.244.0.0/16".parse().unwrap(), "fd00::/48".parse().unwrap()]);
}
