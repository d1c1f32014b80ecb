//! A call that is killed on its way.

use serde_json::json;

use crate::killing::may_be_killed;

#[test]
fn ptp_may_be_killed() {
    may_be_killed("ptp", &json!({ "ipMasq": true }));
}

#[test]
fn macvlan_may_be_killed() {
    may_be_killed("macvlan", &json!({ "master": "up0" }));
}

#[test]
fn tap_may_be_killed() {
    may_be_killed("tap", &json!({ "multiQueue": true }));
}

#[test]
fn host_device_may_be_killed() {
    may_be_killed("host-device", &json!({ "device": "dev0" }));
}
