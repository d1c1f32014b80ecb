//! Network configurations: one way to write all that the tests need.

use serde_json::{Value, json};

/// The bridge of every configuration here.
pub(crate) const BRIDGE: &str = "cni0";

/// The families of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Families {
    V4,
    V6,
    Dual,
}

impl Families {
    pub(crate) const ALL: [Self; 3] = [Self::V4, Self::V6, Self::Dual];

    /// host-local's range sets: large ones.
    pub(crate) fn ranges(self) -> Value {
        let (v4, v6) = (json!([{ "subnet": "10.1.2.0/24" }]), json!([{ "subnet": "fd01:2::/64" }]));
        match self {
            Self::V4 => json!([v4]),
            Self::V6 => json!([v6]),
            Self::Dual => json!([v4, v6]),
        }
    }

    /// The gateways of those.
    pub(crate) fn gateways(self) -> &'static [&'static str] {
        match self {
            Self::V4 => &["10.1.2.1"],
            Self::V6 => &["fd01:2::1"],
            Self::Dual => &["10.1.2.1", "fd01:2::1"],
        }
    }
}

/// A network without addresses.
pub(crate) fn layer2(version: &str) -> Value {
    json!({ "cniVersion": version, "name": "net1", "type": "bridge", "bridge": BRIDGE })
}

/// A network whose containers reach the node and beyond.
pub(crate) fn routed(version: &str, families: Families) -> Value {
    with(
        &layer2(version),
        &json!({
            "isDefaultGateway": true,
            "ipMasq": true,
            "ipam": { "type": "host-local", "ranges": families.ranges() },
        }),
    )
}

/// `routed` in the newest version.
pub(crate) fn newest(families: Families) -> Value {
    routed("1.1.0", families)
}

/// The configuration with these keys; those of `ipam`, `args` and so on go into the ones that are there.
pub(crate) fn with(conf: &Value, keys: &Value) -> Value {
    let mut conf = conf.clone();
    merge(&mut conf, keys);
    conf
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// The addresses of a result, without prefix lengths.
pub(crate) fn addresses(result: &Value) -> Vec<String> {
    let ips = result["ips"].as_array().map_or(&[][..], Vec::as_slice);
    let old = ["ip4", "ip6"].into_iter().filter_map(|key| result[key]["ip"].as_str());
    let new = ips.iter().filter_map(|ip| ip["address"].as_str());
    old.chain(new).filter_map(|address| address.split('/').next()).map(str::to_owned).collect()
}
