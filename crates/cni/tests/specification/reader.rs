//! What we print is read by an implementation that is not ours.

use cni::{Code, Failure, Version};
use cni_plugin::reply::{ErrorReply, SuccessReply};
use serde_json::{Value, json};

use crate::example::full;

// P-027 P-070
#[test]
fn another_implementation_reads_our_results() {
    for version in [Version::V0_4_0, Version::V1_0_0] {
        let mut value: Value = serde_json::from_str(&full().to_json(version).unwrap()).unwrap();
        // It asks for two keys that the specification lets us leave out.
        value.as_object_mut().unwrap().entry("dns").or_insert_with(|| json!({}));
        for interface in value["interfaces"].as_array_mut().unwrap() {
            interface.as_object_mut().unwrap().entry("sandbox").or_insert_with(|| json!(""));
        }
        let reply: SuccessReply = serde_json::from_value(value).unwrap();
        assert_eq!(reply.cni_version.to_string(), version.as_str());
        let names: Vec<_> = reply.interfaces.iter().map(|interface| interface.name.as_str()).collect();
        assert_eq!(names, ["cni0", "veth1", "eth0"]);
        let ours = full();
        assert_eq!(reply.ips.len(), ours.ips.len());
        for (theirs, ours) in reply.ips.iter().zip(&ours.ips) {
            assert_eq!(theirs.address.to_string(), ours.address.to_string());
            assert_eq!((theirs.gateway, theirs.interface), (ours.gateway, ours.interface));
        }
        for (theirs, ours) in reply.routes.iter().zip(&ours.routes) {
            assert_eq!((theirs.dst.to_string(), theirs.gw), (ours.dst.to_string(), ours.gw));
        }
        assert_eq!(Some(reply.dns.search), ours.dns.search);
    }
}

// P-080
#[test]
fn another_implementation_reads_our_errors() {
    let failure = Failure { code: Code::InvalidConfig, msg: "mtu".into(), details: "too big".into() };
    let text = failure.to_json(Version::V1_0_0);
    let reply: ErrorReply<'_> = serde_json::from_str(&text).unwrap();
    assert_eq!((reply.code, reply.msg, reply.details.as_str()), (7, "mtu", "too big"));
}
