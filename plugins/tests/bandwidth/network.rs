//! Network configurations.

use serde_json::{Value, json};

/// The gateways of the network, which are the node's own addresses.
pub(crate) const GATEWAYS: [&str; 2] = ["10.1.2.1", "fd01:2::1"];

/// What `bridge` reads: dual stack.
pub(crate) fn bridge(network: &str) -> Value {
    json!({
        "cniVersion": "1.1.0", "name": network, "type": "bridge", "bridge": "cni0", "isDefaultGateway": true,
        "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.1.2.0/24" }], [{ "subnet": "fd01:2::/64" }]] },
    })
}

/// What `ptp` reads.
pub(crate) fn ptp(network: &str) -> Value {
    json!({
        "cniVersion": "1.1.0", "name": network, "type": "ptp",
        "ipam": { "type": "host-local", "subnet": "10.1.3.0/24" },
    })
}

/// What `bandwidth` reads, with these keys.
pub(crate) fn bandwidth(keys: &Value) -> Value {
    with(&json!({ "cniVersion": "1.1.0", "name": "net1", "type": "bandwidth" }), keys)
}

/// Both directions: 8 and 16 Mbit/s, bursts of 50 and 25 ms.
pub(crate) fn both() -> Value {
    bandwidth(&json!({
        "ingressRate": 8_000_000, "ingressBurst": 400_000, "egressRate": 16_000_000, "egressBurst": 400_000,
    }))
}

/// The configuration with these keys.
pub(crate) fn with(conf: &Value, keys: &Value) -> Value {
    let mut conf = conf.clone();
    let keys = keys.as_object().expect("keys are an object");
    conf.as_object_mut().expect("a configuration is an object").extend(keys.clone());
    conf
}
