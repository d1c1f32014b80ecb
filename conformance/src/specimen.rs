//! The smallest configuration of each plugin, and what it rests on: one table.

use serde_json::{Value, json};

use crate::attachment::Attachment;
use crate::stage::Stage;

/// What a plugin is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It makes an interface, or brings one.
    Interface,
    /// It adjusts an interface of the plugins before it.
    Chained,
    /// It hands out addresses.
    Ipam,
    /// Nobody knows.
    Unknown,
}

/// One plugin as it is called.
#[derive(Debug)]
pub(crate) struct Specimen {
    /// The plugin's name.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// A kind of link that the kernel must have for it.
    pub(crate) link: Option<&'static str>,
    /// Its keys; the attachment's number makes what must differ.
    pub(crate) keys: fn(usize) -> Value,
    /// Makes what it rests on, before an attachment's first call.
    pub(crate) ground: fn(&Attachment<'_>),
    /// Does an interface plugin take an `ipam`?
    pub(crate) ipam: Ipam,
}

/// Whether an interface plugin delegates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ipam {
    /// To what `ipam` names.
    Delegates,
    /// It has addresses without, or none.
    None,
}

/// The subnets that a stage's network has for pods.
pub(crate) const SUBNETS: [&str; 2] = ["10.77.0.0/16", "fd77::/64"];

/// The known plugins.
pub(crate) const SPECIMENS: &[Specimen] = &[
    interface("bridge", |_| json!({ "bridge": "cni0", "isGateway": true })),
    interface("ptp", |_| json!({})),
    Specimen { ground: |a| master(a.stage), ..interface("macvlan", |_| json!({ "master": "up0" })) },
    Specimen {
        ground: |a| master(a.stage),
        link: Some("ipvlan"),
        ..interface("ipvlan", |_| json!({ "master": "up0" }))
    },
    Specimen {
        ground: |a| master(a.stage),
        link: Some("vlan"),
        ..interface("vlan", |number| json!({ "master": "up0", "vlanId": 100 + number }))
    },
    interface("tap", |_| json!({})),
    Specimen { link: Some("dummy"), ..interface("dummy", |_| json!({})) },
    Specimen {
        ground: |a| {
            a.stage.host(&format!("ip link add dev{0} type veth peer name far{0}", a.number));
        },
        ..interface("host-device", |number| json!({ "device": format!("dev{number}") }))
    },
    Specimen { ipam: Ipam::None, ..interface("loopback", |_| json!({})) },
    Specimen {
        ipam: Ipam::None,
        ground: |a| {
            let text = "FLANNEL_NETWORK=10.76.0.0/15\nFLANNEL_SUBNET=10.77.0.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n";
            a.stage.file("/run/flannel/subnet.env", text);
        },
        ..interface("flannel", |_| json!({ "delegate": { "isDefaultGateway": true } }))
    },
    chained("portmap", |number| {
        let ports = json!([{ "hostPort": 8000 + number, "containerPort": 80, "protocol": "tcp" }]);
        json!({ "capabilities": { "portMappings": true }, "runtimeConfig": { "portMappings": ports } })
    }),
    chained("firewall", |_| json!({})),
    chained(
        "bandwidth",
        |_| json!({ "ingressRate": 8_000_000, "ingressBurst": 8_000_000, "egressRate": 8_000_000, "egressBurst": 8_000_000 }),
    ),
    chained("tuning", |_| json!({ "mtu": 1400, "sysctl": { "net.ipv4.conf.IFNAME.arp_filter": "1" } })),
    chained("sbr", |_| json!({})),
    Specimen { link: Some("vrf"), ..chained("vrf", |_| json!({ "vrfname": "red" })) },
    ipam("host-local", |_| json!({ "type": "host-local", "ranges": [[{ "subnet": "10.79.0.0/24" }]] })),
    ipam("static", |number| {
        let address = format!("10.79.0.{}/24", number % 200 + 2);
        json!({ "type": "static", "addresses": [{ "address": address, "gateway": "10.79.0.1" }] })
    }),
    Specimen { ground: |a| a.stage.dhcp().connect(a), ..ipam("dhcp", |_| json!({ "type": "dhcp" })) },
];

/// A plugin that nobody knows: it is asked what needs no configuration.
pub(crate) const UNKNOWN: Specimen = Specimen { kind: Kind::Unknown, ..interface("", |_| json!({})) };

/// The specimen of this name.
pub(crate) fn of(name: &str) -> &'static Specimen {
    SPECIMENS.iter().find(|specimen| specimen.name == name).unwrap_or(&UNKNOWN)
}

const fn interface(name: &'static str, keys: fn(usize) -> Value) -> Specimen {
    Specimen { name, kind: Kind::Interface, link: None, keys, ground: |_| {}, ipam: Ipam::Delegates }
}

const fn chained(name: &'static str, keys: fn(usize) -> Value) -> Specimen {
    Specimen {
        kind: Kind::Chained,
        ipam: Ipam::None,
        ground: Attachment::plug_by_hand,
        ..interface(name, keys)
    }
}

const fn ipam(name: &'static str, keys: fn(usize) -> Value) -> Specimen {
    Specimen { kind: Kind::Ipam, ipam: Ipam::None, ..interface(name, keys) }
}

/// A link to the world, once a node.
fn master(stage: &Stage<'_>) {
    stage.host(
        "ip link show up0 >/dev/null 2>&1 || {
            ip link add up0 type veth peer name world; ip link set up0 up; ip link set world up; }",
    );
}
