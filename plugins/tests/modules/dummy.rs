//! `dummy`.

use serde_json::json;

use crate::stage::{Stage, addresses, conf, link, msg};

// Upstream: "configures and deconfigures dummy link with ADD/DEL".
#[test]
fn a_link_that_leads_nowhere_has_its_addresses() {
    let stage = Stage::new();
    stage.life(&conf("dummy", &json!({})), |pod, result| {
        let inside = link(pod, "eth0");
        assert_eq!(inside["linkinfo"]["info_kind"], "dummy");
        assert_eq!(inside["address"], result["interfaces"][0]["mac"]);
        assert_eq!(result["interfaces"][0]["sandbox"], pod.path());
        assert_eq!(addresses(pod, "eth0"), ["10.1.2.2/24", "fd01:2::2/64"]);
    });
}

// Upstream: "fails to create dummy link with no ipam".
#[test]
fn it_has_to_have_addresses() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let error = stage.refused(&pod, &conf("dummy", &json!({ "ipam": null })));
    assert!(error["code"] == 7 && msg(&error).contains("ipam"), "{error}");
}

#[test]
fn status_is_well() {
    assert_eq!(Stage::new().status(&conf("dummy", &json!({}))), 0);
}
