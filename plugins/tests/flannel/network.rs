//! What flanneld says of the node, and the configurations of networks.

use serde_json::{Value, json};

/// `subnet.env` of an IPv4 node.
pub(crate) const V4: &str =
    "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n";

/// Of an IPv6 node.
pub(crate) const V6: &str = "FLANNEL_IPV6_NETWORK=fd00:10:244::/48\nFLANNEL_IPV6_SUBNET=fd00:10:244:1::1/64\n\
     FLANNEL_MTU=1430\nFLANNEL_IPMASQ=true\n";

/// Of a node with both.
pub(crate) const DUAL: &str = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_IPV6_NETWORK=fd00:10:244::/48\n\
     FLANNEL_IPV6_SUBNET=fd00:10:244:1::1/64\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n";

/// Of a node with several networks, where the delegate masquerades.
pub(crate) const SEVERAL: &str = "FLANNEL_NETWORK=10.1.2.3/16,10.1.0.0/16,10.2.0.0/16\nFLANNEL_SUBNET=10.1.17.1/24\nFLANNEL_MTU=9000\n\
     FLANNEL_IPMASQ=false\n";

/// What kube-flannel's conflist says of the plugin.
pub(crate) fn kube_flannel(version: &str) -> Value {
    json!({
        "cniVersion": version, "name": "cbr0", "type": "flannel",
        "delegate": { "hairpinMode": true, "isDefaultGateway": true },
    })
}

/// What k3s' says.
pub(crate) fn k3s(version: &str) -> Value {
    json!({
        "cniVersion": version, "name": "cbr0", "type": "flannel",
        "delegate": { "hairpinMode": true, "forceAddress": true, "isDefaultGateway": true },
    })
}

/// The configuration with this one key set.
pub(crate) fn with(conf: &Value, key: &str, value: Value) -> Value {
    let mut conf = conf.clone();
    conf[key] = value;
    conf
}
