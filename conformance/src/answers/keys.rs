//! Keys of each plugin that are asked about, right ones and wrong ones.

use serde_json::{Value, json};

/// Keys over the smallest configuration; null takes one away. An IPAM plugin's are those of its `ipam`.
pub(super) struct Keys {
    /// As the question calls them.
    pub(super) name: &'static str,
    pub(super) keys: fn() -> Value,
}

/// Those of this plugin.
pub(super) fn of(plugin: &str) -> &'static [Keys] {
    match plugin {
        "bridge" => BRIDGE,
        "ptp" => PTP,
        "macvlan" => MACVLAN,
        "ipvlan" => IPVLAN,
        "vlan" => VLAN,
        "dummy" => DUMMY,
        "tap" => TAP,
        "host-device" => HOST_DEVICE,
        "host-local" => HOST_LOCAL,
        "static" => STATIC,
        "portmap" => PORTMAP,
        "firewall" => FIREWALL,
        "bandwidth" => BANDWIDTH,
        "tuning" => TUNING,
        "sbr" => SBR,
        "vrf" => VRF,
        _ => &[],
    }
}

const fn keys(name: &'static str, keys: fn() -> Value) -> Keys {
    Keys { name, keys }
}

fn dual() -> Value {
    json!({ "type": "host-local", "ranges": [[{ "subnet": "10.77.0.0/16" }], [{ "subnet": "fd77::/64" }]] })
}

fn routed() -> Value {
    let mut ipam = dual();
    ipam["routes"] =
        json!([{ "dst": "0.0.0.0/0" }, { "dst": "198.51.100.0/24", "gw": "10.77.0.1" }, { "dst": "::/0" }]);
    ipam
}

fn port(key: &str, value: Value) -> Value {
    let mut port = json!({ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" });
    port[key] = value;
    json!({ "runtimeConfig": { "portMappings": [port] } })
}

const BRIDGE: &[Keys] = &[
    keys(
        "both families, a default gateway, masquerade",
        || json!({ "isDefaultGateway": true, "ipMasq": true, "ipam": dual() }),
    ),
    keys("layer 2", || json!({ "isGateway": false, "ipam": null })),
    keys("routes of ipam", || json!({ "ipam": routed() })),
    keys("mtu", || json!({ "mtu": 1400 })),
    keys(
        "a mac",
        || json!({ "capabilities": { "mac": true }, "runtimeConfig": { "mac": "c2:11:22:33:44:55" } }),
    ),
    keys("dns", || json!({ "dns": { "nameservers": ["192.0.2.53"], "domain": "example.org" } })),
    keys("vlan 5000", || json!({ "vlan": 5000 })),
    keys("a trunk without its end", || json!({ "vlanTrunk": [{ "minID": 7 }] })),
    keys("mtu as a text", || json!({ "mtu": "1400" })),
    keys("hairpin and promiscuous", || json!({ "hairpinMode": true, "promiscMode": true })),
    keys("no link and addresses", || json!({ "disableContainerInterface": true })),
    keys("an ipam that is not there", || json!({ "ipam": { "type": "nobody" } })),
    keys("a masquerade backend that nobody knows", || json!({ "ipMasq": true, "ipMasqBackend": "ipset" })),
];

const PTP: &[Keys] = &[
    keys("both families, masquerade", || json!({ "ipMasq": true, "ipam": dual() })),
    keys("routes of ipam", || json!({ "ipam": routed() })),
    keys("mtu", || json!({ "mtu": 1400 })),
    keys("dns", || json!({ "dns": { "nameservers": ["192.0.2.53"] } })),
    keys("no ipam", || json!({ "ipam": null })),
    keys("an ipam that is not there", || json!({ "ipam": { "type": "nobody" } })),
];

const MACVLAN: &[Keys] = &[
    keys("both families", || json!({ "ipam": dual() })),
    keys("layer 2", || json!({ "ipam": null })),
    keys("mode private", || json!({ "mode": "private" })),
    keys("mtu", || json!({ "mtu": 1400 })),
    keys("mode other", || json!({ "mode": "other" })),
    keys("a master that is not there", || json!({ "master": "nobody0" })),
    keys("an mtu above the master's", || json!({ "mtu": 9000 })),
];

const IPVLAN: &[Keys] = &[
    keys("both families", || json!({ "ipam": dual() })),
    keys("no ipam", || json!({ "ipam": null })),
    keys("mode l3", || json!({ "mode": "l3" })),
    keys("mode l3s, mtu", || json!({ "mode": "l3s", "mtu": 1400 })),
    keys("mode other", || json!({ "mode": "other" })),
    keys("a master that is not there", || json!({ "master": "nobody0" })),
    keys("an mtu above the master's", || json!({ "mtu": 9000 })),
];

const VLAN: &[Keys] = &[
    keys("both families", || json!({ "ipam": dual() })),
    keys("mtu", || json!({ "mtu": 1400 })),
    keys("vlan 4094", || json!({ "vlanId": 4094 })),
    keys("vlan 5000", || json!({ "vlanId": 5000 })),
    keys("vlan below zero", || json!({ "vlanId": -1 })),
    keys("a master that is not there", || json!({ "master": "nobody0" })),
    keys("an mtu above the master's", || json!({ "mtu": 9000 })),
];

const DUMMY: &[Keys] = &[
    keys("both families", || json!({ "ipam": dual() })),
    keys("no ipam", || json!({ "ipam": null })),
    keys("an ipam that is not there", || json!({ "ipam": { "type": "nobody" } })),
];

const TAP: &[Keys] = &[
    keys("both families", || json!({ "ipam": dual() })),
    keys("layer 2", || json!({ "ipam": null })),
    keys("mtu and several queues", || json!({ "mtu": 1400, "multiQueue": true })),
    keys("mtu as a text", || json!({ "mtu": "1400" })),
];

const HOST_DEVICE: &[Keys] = &[
    keys("both families", || json!({ "ipam": dual() })),
    keys("no ipam", || json!({ "ipam": null })),
    keys("a device that is not there", || json!({ "device": "nobody0" })),
    keys("no device", || json!({ "device": null })),
    keys("a hwaddr that is none", || json!({ "device": null, "hwaddr": "x" })),
];

const HOST_LOCAL: &[Keys] = &[
    keys("both families", || json!({ "ranges": dual()["ranges"] })),
    keys(
        "routes",
        || json!({ "routes": [{ "dst": "0.0.0.0/0" }, { "dst": "198.51.100.0/24", "gw": "10.79.0.9" }] }),
    ),
    keys("an old style", || json!({ "ranges": null, "subnet": "10.79.0.0/24", "gateway": "10.79.0.254" })),
    keys(
        "bounds",
        || json!({ "ranges": [[{ "subnet": "10.79.0.0/24", "rangeStart": "10.79.0.10", "rangeEnd": "10.79.0.20" }]] }),
    ),
    keys("no ranges", || json!({ "ranges": null })),
    keys("a range that is too small", || json!({ "ranges": [[{ "subnet": "10.79.0.0/31" }]] })),
    keys("a range with host bits", || json!({ "ranges": [[{ "subnet": "10.79.0.1/24" }]] })),
    keys(
        "a start outside",
        || json!({ "ranges": [[{ "subnet": "10.79.0.0/24", "rangeStart": "10.80.0.1" }]] }),
    ),
    keys(
        "ranges that overlap",
        || json!({ "ranges": [[{ "subnet": "10.79.0.0/24" }], [{ "subnet": "10.79.0.0/25" }]] }),
    ),
    keys(
        "families that are mixed",
        || json!({ "ranges": [[{ "subnet": "10.79.0.0/24" }, { "subnet": "fd79::/64" }]] }),
    ),
    keys("a subnet that is none", || json!({ "ranges": [[{ "subnet": "x" }]] })),
    keys("resolvConf that is not there", || json!({ "resolvConf": "/nowhere" })),
];

const STATIC: &[Keys] = &[
    keys("two addresses, routes, dns", || {
        json!({
            "addresses": [{ "address": "10.79.0.5/24", "gateway": "10.79.0.1" }, { "address": "fd79::5/64" }],
            "routes": [{ "dst": "0.0.0.0/0", "gw": "10.79.0.1" }],
            "dns": { "nameservers": ["192.0.2.53"], "search": ["example.org"] },
        })
    }),
    keys("an address without its length", || json!({ "addresses": [{ "address": "10.79.0.5" }] })),
    keys("an address that is none", || json!({ "addresses": [{ "address": "x/24" }] })),
    keys(
        "a gateway that is none",
        || json!({ "addresses": [{ "address": "10.79.0.5/24", "gateway": "x" }] }),
    ),
    keys("no addresses", || json!({ "addresses": null })),
];

const PORTMAP: &[Keys] = &[
    keys("udp", || port("protocol", json!("udp"))),
    keys("one address of the host", || port("hostIP", json!("10.78.0.1"))),
    keys("no ports", || json!({ "runtimeConfig": null })),
    keys("nftables", || json!({ "backend": "nftables" })),
    keys("host port 0", || port("hostPort", json!(0))),
    keys("container port 0", || port("containerPort", json!(0))),
    keys("a host port as a text", || port("hostPort", json!("80"))),
    keys("a host address that is none", || port("hostIP", json!("nowhere"))),
    keys("a backend that nobody knows", || json!({ "backend": "ipset" })),
    keys(
        "iptables' words for nftables",
        || json!({ "backend": "nftables", "conditionsV4": ["-d", "192.0.2.0/24"], "markMasqBit": 13, "externalSetMarkChain": "X" }),
    ),
    keys("a mark and a chain that marks", || json!({ "markMasqBit": 13, "externalSetMarkChain": "X" })),
    keys("a bit of 32", || json!({ "markMasqBit": 32 })),
];

const FIREWALL: &[Keys] = &[
    keys("iptables", || json!({ "backend": "iptables" })),
    keys("same-bridge", || json!({ "ingressPolicy": "same-bridge" })),
    keys("a policy that nobody knows", || json!({ "ingressPolicy": "other" })),
    keys("a backend that nobody knows", || json!({ "backend": "ipset" })),
];

const BANDWIDTH: &[Keys] = &[
    keys("one direction", || json!({ "egressRate": null, "egressBurst": null })),
    keys(
        "no limits",
        || json!({ "ingressRate": null, "ingressBurst": null, "egressRate": null, "egressBurst": null }),
    ),
    keys("a rate without its burst", || json!({ "ingressBurst": null })),
    keys("a burst of 4 GB", || json!({ "ingressBurst": 34_359_738_368_u64 })),
    keys("a rate below zero", || json!({ "ingressRate": -1 })),
    keys(
        "shaped and unshaped subnets",
        || json!({ "shapedSubnets": ["10.0.0.0/8"], "unshapedSubnets": ["10.1.0.0/16"] }),
    ),
];

const TUNING: &[Keys] = &[
    keys("a mac", || json!({ "mac": "c2:11:22:33:44:55" })),
    keys("promiscuous, a queue", || json!({ "promisc": true, "txQLen": 500 })),
    keys("nothing", || json!({ "mtu": null, "sysctl": null })),
    keys("a sysctl outside net", || json!({ "sysctl": { "kernel.hostname": "x" } })),
    keys("a sysctl that is not there", || json!({ "sysctl": { "net.ipv4.conf.IFNAME.nothing": "1" } })),
    keys("a mac that is none", || json!({ "mac": "x" })),
];

const SBR: &[Keys] = &[
    keys("a table", || json!({ "table": 77 })),
    keys("a gateway", || json!({ "gateways": ["10.78.0.1"] })),
    keys("two gateways of a family", || json!({ "gateways": ["10.78.0.1", "10.78.0.2"] })),
];

const VRF: &[Keys] =
    &[keys("a table", || json!({ "table": 77 })), keys("no name", || json!({ "vrfname": null }))];
