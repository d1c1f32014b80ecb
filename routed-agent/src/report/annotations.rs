//! What a node tells its peers of itself: flannel's annotations on its own Node.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The annotations that an agent writes, without their prefix. All others are an administrator's.
const OURS: [&str; 6] =
    ["backend-data", "backend-type", "backend-v6-data", "kube-subnet-manager", "public-ip", "public-ipv6"];

/// The merge patch that makes `current` (without `prefix`, as a watch tells it) say what is wanted; none where it does.
/// What we no longer want goes: a family that was switched off would be taken for one in use.
pub(crate) fn patch_for(
    prefix: &str,
    current: &BTreeMap<String, String>,
    wanted: &BTreeMap<String, String>,
) -> Option<Value> {
    let differing = OURS.iter().filter(|&&key| current.get(key) != wanted.get(key));
    let changes: serde_json::Map<String, Value> = differing
        .map(|&key| (format!("{prefix}{key}"), wanted.get(key).map_or(Value::Null, |value| json!(value))))
        .collect();
    (!changes.is_empty()).then(|| json!({"metadata": {"annotations": changes}}))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const PREFIX: &str = "flannel.alpha.coreos.com/";

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// What flannel writes for vxlan.
    fn vxlan() -> BTreeMap<String, String> {
        map(&[
            ("backend-data", r#"{"VNI":1,"VtepMAC":"da:98:aa:0b:4e:01"}"#),
            ("backend-type", "vxlan"),
            ("kube-subnet-manager", "true"),
            ("public-ip", "192.0.2.1"),
        ])
    }

    #[test]
    fn a_node_without_annotations_gets_them_all() {
        let patch = patch_for(PREFIX, &BTreeMap::new(), &vxlan()).unwrap();
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
        let mut current = vxlan();
        current.insert("public-ip-overwrite".to_owned(), "198.51.100.1".to_owned());
        assert_eq!(patch_for(PREFIX, &current, &vxlan()), None);
    }

    #[test]
    fn what_differs_is_written_and_a_family_that_is_off_goes() {
        let mut current = vxlan();
        current.extend(map(&[
            ("backend-v6-data", "null"),
            ("public-ip", "192.0.2.9"),
            ("public-ip-overwrite", "198.51.100.1"),
            ("public-ipv6", "2001:db8::1"),
        ]));
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
