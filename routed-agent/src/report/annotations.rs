//! What a node tells its peers of itself: flannel's annotations on its own Node.

use serde_json::{Value, json};

use crate::node::Annotations;

/// The annotations that an agent writes, without their prefix. All others are an administrator's.
const OURS: [&str; 6] =
    ["backend-data", "backend-type", "backend-v6-data", "kube-subnet-manager", "public-ip", "public-ipv6"];

/// The merge patch that makes `current` (without `prefix`, as a watch tells it) say what is wanted; none where it does.
/// What we no longer want goes: a family that was switched off would be taken for one in use.
pub(crate) fn patch_for(prefix: &str, current: &Annotations, wanted: &Annotations) -> Option<Value> {
    let differing = OURS.iter().filter(|&&key| current.get(key) != wanted.get(key));
    let changes: serde_json::Map<String, Value> = differing
        .map(|&key| (format!("{prefix}{key}"), wanted.get(key).map_or(Value::Null, |value| json!(value))))
        .collect();
    (!changes.is_empty()).then(|| json!({"metadata": {"annotations": changes}}))
}

/// The patch after which the Node has none of them.
pub(crate) fn removal(prefix: &str) -> Value {
    let none = OURS.iter().map(|key| (format!("{prefix}{key}"), Value::Null));
    json!({"metadata": {"annotations": none.collect::<serde_json::Map<_, _>>()}})
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const PREFIX: &str = "flannel.alpha.coreos.com/";

    fn map(pairs: &[(&str, &str)]) -> Annotations {
        pairs.iter().copied().collect()
    }

    /// What flannel writes for vxlan.
    fn vxlan() -> Annotations {
        map(&[
            ("backend-data", r#"{"VNI":1,"VtepMAC":"da:98:aa:0b:4e:01"}"#),
            ("backend-type", "vxlan"),
            ("kube-subnet-manager", "true"),
            ("public-ip", "192.0.2.1"),
        ])
    }

    #[test]
    fn a_node_without_annotations_gets_them_all() {
        let patch = patch_for(PREFIX, &Annotations::default(), &vxlan()).unwrap();
        expect![[r#"
            {
              "metadata": {
                "annotations": {
                  "flannel.alpha.coreos.com/backend-data": "{\"VNI\":1,\"VtepMAC\":\"da:98:aa:0b:4e:01\"}",
                  "flannel.alpha.coreos.com/backend-type": "vxlan",
                  "flannel.alpha.coreos.com/kube-subnet-manager": "true",
                  "flannel.alpha.coreos.com/public-ip": "192.0.2.1"
                }
              }
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&patch).unwrap());
    }

    #[test]
    fn what_is_said_already_is_not_said_again() {
        let current = vxlan().with("public-ip-overwrite", "198.51.100.1");
        assert_eq!(patch_for(PREFIX, &current, &vxlan()), None);
    }

    #[test]
    fn what_differs_is_written_and_a_family_that_is_off_goes() {
        let current = vxlan()
            .with("backend-v6-data", "null")
            .with("public-ip", "192.0.2.9")
            .with("public-ip-overwrite", "198.51.100.1")
            .with("public-ipv6", "2001:db8::1");
        let patch = patch_for(PREFIX, &current, &vxlan()).unwrap();
        assert_eq!(
            patch,
            json!({"metadata": {"annotations": {
                "flannel.alpha.coreos.com/backend-v6-data": null,
                "flannel.alpha.coreos.com/public-ip": "192.0.2.1",
                "flannel.alpha.coreos.com/public-ipv6": null,
            }}})
        );
    }
}
