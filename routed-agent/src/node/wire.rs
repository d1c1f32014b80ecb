//! A Node as Kubernetes writes it (API reference, Node v1), of which only what the agent needs is read.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Node, Unavailable};

/// The condition by which a node says that its pods reach nobody.
const UNAVAILABLE: &str = "NetworkUnavailable";

/// A Node of the API, of a list of it, or of `kubectl get nodes -o json`. What is absent or `null` is empty; keys
/// that are not named here are skipped as they are read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WireNode {
    /// `Node`; absent in the items of the API's own lists.
    pub(crate) kind: Option<String>,
    /// Name, identity, annotations.
    pub(crate) metadata: WireMetadata,
    spec: Option<WireSpec>,
    status: Option<WireStatus>,
}

/// `metadata`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct WireMetadata {
    /// The Node's name.
    pub(crate) name: String,
    /// Of this state of the object: where a watch goes on from. Empty where nothing was said.
    pub(crate) resource_version: String,
    uid: Option<String>,
    creation_timestamp: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireSpec {
    #[serde(rename = "podCIDR")]
    pod_cidr: Option<String>,
    #[serde(rename = "podCIDRs")]
    pod_cidrs: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireStatus {
    addresses: Option<Vec<WireAddress>>,
    conditions: Option<Vec<WireCondition>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireAddress {
    r#type: String,
    address: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireCondition {
    r#type: String,
    status: String,
    reason: Option<String>,
    message: Option<String>,
}

/// What the agent needs of a Node. `prefix` is the whole beginning of our annotations' names, up to and with its
/// `/` or `-`. The condition is read of every Node: a source drops those that are not its own node's.
pub(crate) fn read(value: WireNode, prefix: &str) -> Node {
    let WireMetadata { name, uid, creation_timestamp, annotations, .. } = value.metadata;
    let spec = value.spec.unwrap_or_default();
    let status = value.status.unwrap_or_default();
    let (mut internal_addresses, mut external_addresses) = (Vec::new(), Vec::new());
    for WireAddress { r#type, address } in status.addresses.into_iter().flatten() {
        match r#type.as_str() {
            "InternalIP" => internal_addresses.push(address),
            "ExternalIP" => external_addresses.push(address),
            _ => {}
        }
    }
    let unavailable =
        status.conditions.into_iter().flatten().find(|condition| condition.r#type == UNAVAILABLE);
    Node {
        name,
        uid: uid.unwrap_or_default(),
        created: creation_timestamp.unwrap_or_default(),
        pod_cidrs: pod_cidrs(spec),
        internal_addresses: trimmed(internal_addresses),
        external_addresses: trimmed(external_addresses),
        annotations: annotations
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value)))
            .collect(),
        unavailable: unavailable.map(|condition| {
            let (reason, message) = (condition.reason, condition.message);
            let (reason, message) = (reason.unwrap_or_default(), message.unwrap_or_default());
            Box::new(Unavailable { status: condition.status, reason, message })
        }),
    }
}

/// Without the room that a list takes to grow: there are thousands of them.
pub(crate) fn trimmed(mut list: Vec<String>) -> Vec<String> {
    list.shrink_to_fit();
    list
}

/// `podCIDRs`, else `podCIDR`, which older API servers had alone.
fn pod_cidrs(spec: WireSpec) -> Vec<String> {
    match spec.pod_cidrs {
        Some(list) if !list.is_empty() => trimmed(list),
        _ => spec.pod_cidr.into_iter().filter(|cidr| !cidr.is_empty()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    /// flannel's.
    const PREFIX: &str = "flannel.alpha.coreos.com/";

    fn node(json: &str) -> Node {
        read(serde_json::from_str(json).unwrap(), PREFIX)
    }

    #[test]
    fn a_node_keeps_what_matters_and_nothing_else() {
        let node = node(
            r#"{
              "apiVersion": "v1", "kind": "Node",
              "metadata": {
                "name": "a", "uid": "1-2", "creationTimestamp": "2026-01-02T03:04:05Z", "resourceVersion": "7",
                "labels": {"x": "y"}, "managedFields": [{"fieldsV1": {"f:metadata": {}}}],
                "annotations": {
                  "flannel.alpha.coreos.com/backend-type": "vxlan",
                  "flannel.alpha.coreos.com/backend-data": "{\"VNI\":1,\"VtepMAC\":\"0e:00:00:00:00:01\"}",
                  "volumes.kubernetes.io/controller-managed-attach-detach": "true"
                }
              },
              "spec": {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24", "fd00:1::/64"], "unschedulable": true},
              "status": {
                "addresses": [
                  {"type": "InternalIP", "address": "192.0.2.1"}, {"type": "Hostname", "address": "a"},
                  {"type": "ExternalIP", "address": "203.0.113.1"}, {"type": "InternalIP", "address": "2001:db8::1"}
                ],
                "conditions": [
                  {"type": "Ready", "status": "False", "reason": "KubeletNotReady"},
                  {"type": "NetworkUnavailable", "status": "True", "reason": "NoRouteCreated", "message": "none yet"}
                ],
                "images": [{"names": ["x"], "sizeBytes": 1}]
              }
            }"#,
        );
        expect![[r#"
            Node {
                name: "a",
                uid: "1-2",
                created: "2026-01-02T03:04:05Z",
                pod_cidrs: [
                    "10.244.1.0/24",
                    "fd00:1::/64",
                ],
                internal_addresses: [
                    "192.0.2.1",
                    "2001:db8::1",
                ],
                external_addresses: [
                    "203.0.113.1",
                ],
                annotations: {
                    "backend-data": "{\"VNI\":1,\"VtepMAC\":\"0e:00:00:00:00:01\"}",
                    "backend-type": "vxlan",
                },
                unavailable: Some(
                    Unavailable {
                        status: "True",
                        reason: "NoRouteCreated",
                        message: "none yet",
                    },
                ),
            }
        "#]]
        .assert_debug_eq(&node);
    }

    #[test]
    fn what_is_absent_or_null_is_empty() {
        let empty = Node { name: "a".to_owned(), ..Node::default() };
        assert_eq!(node(r#"{"metadata": {"name": "a"}}"#), empty);
        assert_eq!(
            node(
                r#"{"metadata": {"name": "a", "uid": null, "creationTimestamp": null, "annotations": null},
                    "spec": {"podCIDR": "", "podCIDRs": null},
                    "status": {"addresses": null, "conditions": null}}"#
            ),
            empty
        );
        assert_eq!(node(r#"{"metadata": {"name": "a"}, "spec": null, "status": null}"#), empty);
    }

    #[test]
    fn a_lone_pod_cidr_counts_where_there_is_no_list() {
        let node =
            node(r#"{"metadata": {"name": "a"}, "spec": {"podCIDR": "10.244.1.0/24", "podCIDRs": []}}"#);
        assert_eq!(node.pod_cidrs, ["10.244.1.0/24"]);
    }
}
