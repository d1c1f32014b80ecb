//! Lists of plugins, as a runtime runs them.

use serde_json::{Value, json};

use crate::floor::{Plugin, Reach};

/// What is attached, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// In the order of ADD.
    pub plugins: &'static [Plugin],
    /// How far the pod reaches.
    pub reach: Reach,
    /// How many ports of the node lead to it.
    pub ports: u16,
}

/// Everything that there is.
pub const FULL: &[Plugin] =
    &[Plugin::Loopback, Plugin::Bridge, Plugin::Portmap, Plugin::Firewall, Plugin::Bandwidth, Plugin::Tuning];

/// The name of the network.
pub const NETWORK: &str = "net";

/// A port of the node for each pod and each of its ports.
#[must_use]
pub fn port(pod: u16, number: u16) -> u16 {
    10_000 + pod * 10 + number
}

/// The name of a plugin's file.
#[must_use]
pub fn name(plugin: Plugin) -> &'static str {
    match plugin {
        Plugin::Loopback => "loopback",
        Plugin::Bridge => "bridge",
        Plugin::Portmap => "portmap",
        Plugin::Firewall => "firewall",
        Plugin::Bandwidth => "bandwidth",
        Plugin::Tuning => "tuning",
        Plugin::HostLocal => "host-local",
    }
}

/// The configuration of one plugin for one pod; `backend` is that of a suite that has several.
#[must_use]
pub fn conf(plugin: Plugin, list: &List, pod: u16, backend: Option<&str>) -> Value {
    let gateway = list.reach != Reach::Bridge;
    let mut ipam = json!({"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]]});
    if gateway {
        ipam["routes"] = json!([{"dst": "0.0.0.0/0"}]);
    }
    let mut conf = match plugin {
        Plugin::Bridge => json!({
            "bridge": "cni0", "isGateway": gateway, "ipMasq": list.reach == Reach::Masquerade, "ipam": ipam,
        }),
        Plugin::HostLocal => json!({"ipam": ipam}),
        Plugin::Portmap => {
            let mapping = |number| json!({"hostPort": port(pod, number), "containerPort": 80 + number, "protocol": "tcp"});
            let mappings: Vec<Value> = (0..list.ports).map(mapping).collect();
            json!({"snat": true, "runtimeConfig": {"portMappings": mappings}})
        }
        Plugin::Bandwidth => json!({"runtimeConfig": {"bandwidth": {
            "ingressRate": 100_000_000, "ingressBurst": 4_294_967_295_u32,
            "egressRate": 100_000_000, "egressBurst": 4_294_967_295_u32,
        }}}),
        Plugin::Tuning => json!({"sysctl": {"net.core.somaxconn": "500"}}),
        Plugin::Loopback | Plugin::Firewall => json!({}),
    };
    match (plugin, backend) {
        (Plugin::Bridge, Some(backend)) if list.reach == Reach::Masquerade => {
            conf["ipMasqBackend"] = json!(backend);
        }
        (Plugin::Portmap, Some(backend)) => conf["backend"] = json!(backend),
        _ => {}
    }
    conf["cniVersion"] = json!("1.0.0");
    conf["name"] = json!(NETWORK);
    conf["type"] = json!(name(plugin));
    conf
}
