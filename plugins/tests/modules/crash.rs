//! A call that is killed on its way.

use serde_json::json;

use crate::killing::may_be_killed;

#[test]
fn vlan_may_be_killed() {
    may_be_killed("vlan", &json!({ "master": "up0", "vlanId": 100 }));
}

#[test]
fn ipvlan_may_be_killed() {
    may_be_killed("ipvlan", &json!({ "master": "up0" }));
}

#[test]
fn dummy_may_be_killed() {
    may_be_killed("dummy", &json!({}));
}
