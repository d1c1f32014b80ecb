//! The plugins here, for what is asked of each.

use serde_json::{Value, json};

/// Those that may be without addresses.
pub(crate) const WITHOUT_IPAM: &[&str] = &["macvlan", "tap", "host-device"];

/// Each with the keys that it needs.
pub(crate) fn plugins() -> Vec<(&'static str, Value)> {
    vec![
        ("ptp", json!({ "ipMasq": true })),
        ("macvlan", json!({ "master": "up0" })),
        ("tap", json!({})),
        ("host-device", json!({ "device": "dev0" })),
    ]
}

/// Each with keys that the reference knows.
pub(crate) fn beside_the_reference() -> Vec<(&'static str, Value)> {
    vec![
        ("ptp", json!({ "ipMasq": true, "ipMasqBackend": "nftables", "mtu": 1400 })),
        ("macvlan", json!({ "master": "up0", "mode": "private" })),
        ("tap", json!({ "multiQueue": true, "owner": 0, "group": 0 })),
        ("host-device", json!({ "device": "dev0" })),
    ]
}
