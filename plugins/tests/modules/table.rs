//! The plugins here, for what is asked of each.

use serde_json::{Value, json};

/// Those that may be without addresses.
pub(crate) const WITHOUT_IPAM: &[&str] = &["vlan"];

/// Each with the keys that it needs.
pub(crate) fn plugins() -> Vec<(&'static str, Value)> {
    vec![
        ("vlan", json!({ "master": "up0", "vlanId": 100 })),
        ("ipvlan", json!({ "master": "up0" })),
        ("dummy", json!({})),
    ]
}

/// Each with keys that the reference knows.
pub(crate) fn beside_the_reference() -> Vec<(&'static str, Value)> {
    vec![
        ("vlan", json!({ "master": "up0", "vlanId": 100, "mtu": 1400 })),
        ("ipvlan", json!({ "master": "up0", "mode": "l3" })),
        ("dummy", json!({})),
    ]
}
