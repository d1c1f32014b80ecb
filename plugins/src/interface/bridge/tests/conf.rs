//! Every key, every wrong value.

use cni::{Code, Dns};
use netstate::{Detection, PortFlag, PortVlans, Vlan};
use serde_json::json;

use super::{conf, parse, request};
use crate::interface::bridge::conf::{Conf, Gateway};

fn vlan(id: i64) -> Vlan {
    Vlan::try_from(id).expect("a VLAN")
}

#[test]
fn without_keys_it_is_cni0_and_nothing_else() {
    let nothing = Conf {
        bridge: "cni0".parse().expect("a name"),
        gateway: Gateway::No,
        force: false,
        masquerade: false,
        mtu: None,
        port_flags: Vec::new(),
        promiscuous: false,
        vlans: None,
        guard: false,
        detection: Detection::Off,
        stays_down: false,
        mac: None,
        dns: None,
    };
    assert_eq!(conf(&json!({})), nothing);
    // P-033: null is absent, and an empty text is none.
    let empty = json!({
        "bridge": "", "isGateway": null, "mtu": 0, "vlan": 0, "vlanTrunk": null, "ipMasqBackend": "",
        "dns": { "domain": "" }, "args": null, "runtimeConfig": { "mac": "" }, "ipam": {},
    });
    assert_eq!(conf(&empty), nothing);
    // P-028: unknown keys are somebody else's.
    assert_eq!(
        conf(&json!({ "cni.dev/attachments": [], "unknown": 1, "capabilities": { "mac": true } })),
        nothing
    );
}

#[test]
fn every_key_is_read() {
    let read = conf(&json!({
        "bridge": "br-pods", "isGateway": true, "forceAddress": true, "ipMasq": true, "ipMasqBackend": "nftables",
        "mtu": 9000, "hairpinMode": true, "portIsolation": true, "vlan": 100, "vlanTrunk": [{ "id": 101 }],
        "preserveDefaultVlan": true, "macspoofchk": true, "enabledad": true,
        "dns": { "nameservers": [], "domain": "a.test" }, "runtimeConfig": { "mac": "02:00:00:00:00:01" },
    }));
    let wanted = Conf {
        bridge: "br-pods".parse().expect("a name"),
        gateway: Gateway::Yes,
        force: true,
        masquerade: true,
        mtu: Some(9000),
        port_flags: vec![PortFlag::Hairpin, PortFlag::Isolated],
        promiscuous: false,
        vlans: Some(PortVlans { untagged: Some(vlan(100)), tagged: vec![vlan(101)], keep_default: true }),
        guard: true,
        detection: Detection::On,
        stays_down: false,
        mac: Some("02:00:00:00:00:01".parse().expect("a MAC")),
        dns: Some(Dns { nameservers: Some(Vec::new()), domain: Some("a.test".to_owned()), ..Dns::default() }),
    };
    assert_eq!(read, wanted);
    let others = conf(&json!({ "promiscMode": true, "disableContainerInterface": true }));
    assert!(others.promiscuous && others.stays_down);
}

// P-033
#[test]
fn keys_match_as_go_matches_them() {
    let read =
        conf(&json!({ "ISGATEWAY": true, "BrIdGe": "br1", "RuntimeConfig": { "MAC": "02:00:00:00:00:01" } }));
    assert_eq!((read.gateway, read.bridge.as_str()), (Gateway::Yes, "br1"));
    assert!(read.mac.is_some());
}

#[test]
fn a_default_gateway_is_a_gateway() {
    assert_eq!(conf(&json!({ "isDefaultGateway": true })).gateway, Gateway::Default);
    assert_eq!(conf(&json!({ "isDefaultGateway": true, "isGateway": false })).gateway, Gateway::Default);
}

#[test]
fn the_mac_is_that_of_the_runtime_then_of_args_then_of_cni_args() {
    let [first, second, third] = ["02:00:00:00:00:01", "02-00-00-00-00-02", "0A:00:00:00:00:03"];
    let runtime = json!({ "mac": first });
    let args = json!({ "cni": { "mac": second } });
    let arguments = format!("IgnoreUnknown=1;MAC={third}");
    for (keys, arguments, wanted) in [
        (json!({ "runtimeConfig": runtime, "args": args }), arguments.as_str(), Some("02:00:00:00:00:01")),
        (json!({ "args": args }), &arguments, Some("02:00:00:00:00:02")),
        (json!({}), &arguments, Some("0a:00:00:00:00:03")),
        (json!({ "runtimeConfig": { "mac": "" }, "args": { "cni": { "mac": "" } } }), "MAC=", None),
    ] {
        let read = Conf::parse(&request(&keys, arguments)).expect("a configuration");
        assert_eq!(read.mac.map(|mac| mac.to_string()).as_deref(), wanted);
    }
}

// P-062
#[test]
fn unknown_cni_args_are_refused_unless_they_are_to_be_ignored() {
    let failure = Conf::parse(&request(&json!({}), "K8S_POD_NAME=web")).expect_err("an unknown key");
    assert_eq!(
        (failure.code, failure.msg.as_str()),
        (Code::InvalidEnvironment, r#"ARGS: unknown args ["K8S_POD_NAME=web"]"#)
    );
    assert!(Conf::parse(&request(&json!({}), "IgnoreUnknown=true;K8S_POD_NAME=web")).is_ok());
}

// Upstream: "collectVlanTrunk succeeds".
#[test]
fn a_trunk_is_sorted_and_without_repeats() {
    let trunk = |written| conf(&json!({ "vlanTrunk": written })).vlans.map(|vlans| vlans.tagged);
    let ids = |ids: &[i64]| Some(ids.iter().map(|id| vlan(*id)).collect::<Vec<_>>());
    assert_eq!(trunk(json!([])), None);
    assert_eq!(trunk(json!([{ "minID": 10, "maxID": 12 }])), ids(&[10, 11, 12]));
    assert_eq!(trunk(json!([{ "id": 15 }])), ids(&[15]));
    assert_eq!(
        trunk(json!([{ "minID": 10, "maxID": 12, "id": 15 }, { "id": 11 }, { "id": 4094 }])),
        ids(&[10, 11, 12, 15, 4094])
    );
    assert_eq!(trunk(json!([{ "minID": 7, "maxID": 7 }])), ids(&[7]));
}

// Upstream: "collectVlanTrunk failed", "check vlan id when loading net conf".
#[test]
fn a_wrong_value_is_named_with_its_key() {
    for (keys, message) in [
        (
            json!({ "bridge": "a-name-of-16-bytes" }),
            "bridge: invalid value \"a-name-of-16-bytes\": interface name is too long",
        ),
        (json!({ "bridge": ".." }), "bridge: invalid value \"..\": interface name is . or .."),
        (
            json!({ "bridge": "a/b" }),
            "bridge: invalid value \"a/b\": interface name contains / or : or whitespace characters",
        ),
        (json!({ "mtu": -1 }), "mtu: invalid value -1: 0 to 65535 bytes"),
        (json!({ "mtu": 65536 }), "mtu: invalid value 65536: 0 to 65535 bytes"),
        (json!({ "vlan": -1 }), "vlan: invalid value: -1 is not a VLAN ID: 1 to 4094"),
        (json!({ "vlan": 4095 }), "vlan: invalid value: 4095 is not a VLAN ID: 1 to 4094"),
        (
            json!({ "vlanTrunk": [{ "minID": 10 }] }),
            "vlanTrunk: minID and maxID belong together; maxID is missing",
        ),
        (
            json!({ "vlanTrunk": [{ "maxID": 10 }] }),
            "vlanTrunk: minID and maxID belong together; minID is missing",
        ),
        (
            json!({ "vlanTrunk": [{ "minID": -1, "maxID": 2 }] }),
            "vlanTrunk: invalid minID: -1 is not a VLAN ID: 1 to 4094",
        ),
        (
            json!({ "vlanTrunk": [{ "minID": 4095, "maxID": 4096 }] }),
            "vlanTrunk: invalid minID: 4095 is not a VLAN ID: 1 to 4094",
        ),
        (
            json!({ "vlanTrunk": [{ "minID": 1, "maxID": 4095 }] }),
            "vlanTrunk: invalid maxID: 4095 is not a VLAN ID: 1 to 4094",
        ),
        (
            json!({ "vlanTrunk": [{ "minID": 1, "maxID": -1 }] }),
            "vlanTrunk: invalid maxID: -1 is not a VLAN ID: 1 to 4094",
        ),
        (json!({ "vlanTrunk": [{ "id": 4095 }] }), "vlanTrunk: invalid id: 4095 is not a VLAN ID: 1 to 4094"),
        (json!({ "vlanTrunk": [{ "id": 0 }] }), "vlanTrunk: invalid id: 0 is not a VLAN ID: 1 to 4094"),
        (json!({ "vlanTrunk": [{ "minID": 3, "maxID": 2 }] }), "vlanTrunk: minID 3 is greater than maxID 2"),
        (
            json!({ "ipMasqBackend": "pf" }),
            "ipMasqBackend: unknown ipmasq backend \"pf\": iptables or nftables",
        ),
        (json!({ "runtimeConfig": { "mac": "02:00" } }), "mac: address 02:00: invalid MAC address"),
        (
            json!({ "hairpinMode": true, "promiscMode": true }),
            "cannot set hairpin mode and promiscuous mode at the same time (hairpinMode: true, promiscMode: true)",
        ),
        (
            json!({ "disableContainerInterface": true, "ipam": { "type": "host-local" } }),
            "disableContainerInterface: true and ipam.type: \"host-local\" contradict each other: an interface that is down needs no address",
        ),
    ] {
        let failure = parse(&keys).expect_err("a wrong value");
        assert_eq!((failure.code, failure.msg.as_str()), (Code::InvalidConfig, message), "{keys}");
    }
}

// P-033: a text is no boolean, though the reference's own page has one.
#[test]
fn a_value_of_another_type_is_named_with_its_key() {
    for (keys, start) in [
        (json!({ "portIsolation": "true" }), "portIsolation: invalid value \"true\""),
        (json!({ "mtu": "1500" }), "mtu: invalid value \"1500\""),
        (json!({ "vlan": 1.5 }), "vlan: invalid value 1.5"),
        (json!({ "vlanTrunk": [{ "id": "7" }] }), "vlanTrunk[0].id: invalid value \"7\""),
    ] {
        let failure = parse(&keys).expect_err("a wrong type");
        assert_eq!(failure.code, Code::InvalidConfig);
        assert!(failure.msg.starts_with(start), "{failure}");
    }
}
