//! Objects that a test makes.

use std::path::Path;

use serde_json::{Value, json};

use crate::IMAGE;
use crate::api_server::ApiServer;

impl ApiServer<'_> {
    /// Creates or changes an object to be as it is written here.
    ///
    /// # Panics
    /// Where the server refuses it.
    pub fn apply(&self, object: &Value) {
        let file = self.directory.join("object.json");
        self.node.write(&file, &object.to_string());
        self.apply_path(&file);
    }

    /// Applies manifests: a file, or all in a directory.
    ///
    /// # Panics
    /// Where the server refuses one.
    pub fn apply_path(&self, path: &Path) {
        self.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &path.display().to_string()]);
    }

    /// Creates a Node with this podCIDR, address and nothing else. Its status is set as a kubelet sets it.
    ///
    /// # Panics
    /// Where the server refuses it.
    pub fn create_node(&self, name: &str, podcidr: &str, address: &str) {
        self.create(&json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name},
            "spec": {"podCIDR": podcidr, "podCIDRs": [podcidr]},
            "status": {"addresses": [{"type": "InternalIP", "address": address}]},
        }));
    }

    /// Creates an object; a Node is taken with its status.
    ///
    /// # Panics
    /// Where the server refuses it.
    pub fn create(&self, object: &Value) {
        let file = self.directory.join("created.json");
        self.node.write(&file, &object.to_string());
        self.kubectl(&["create", "-f", &file.display().to_string()]);
    }

    /// Creates so many Nodes by one command: `node-0` with 10.0.0.0/24, `node-1` with 10.0.1.0/24, …
    ///
    /// # Panics
    /// Where the server refuses one.
    pub fn create_nodes(&self, number: u16) {
        let node = |index: u16| {
            let [high, low] = index.to_be_bytes();
            json!({
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": format!("node-{index}")},
                "spec": {"podCIDR": format!("10.{high}.{low}.0/24"), "podCIDRs": [format!("10.{high}.{low}.0/24")]},
                "status": {"addresses": [{"type": "InternalIP", "address": format!("192.168.{high}.{low}")}]},
            })
        };
        let nodes: Vec<Value> = (0..number).map(node).collect();
        let file = self.directory.join("nodes.json");
        self.node.write(&file, &json!({"apiVersion": "v1", "kind": "List", "items": nodes}).to_string());
        self.kubectl(&["create", "-f", &file.display().to_string()]);
    }

    /// A token of a service account that is bound to a new Pod on this Node, as the Pod itself would get it.
    ///
    /// # Panics
    /// Where the account isn't there.
    #[must_use]
    pub fn pod_token(&self, namespace: &str, account: &str, node: &str) -> String {
        let name = format!("{account}-{node}");
        self.apply(&json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "nodeName": node,
                "serviceAccountName": account,
                // Where there is a kubelet, it shall start without a network and without a controller manager's help.
                "hostNetwork": true,
                "automountServiceAccountToken": false,
                "containers": [{"name": "agent", "image": IMAGE, "imagePullPolicy": "Never"}],
            },
        }));
        let words = [
            "create",
            "token",
            account,
            "-n",
            namespace,
            "--bound-object-kind=Pod",
            "--bound-object-name",
            &name,
        ];
        self.kubectl(&words).stdout.trim().to_owned()
    }
}
