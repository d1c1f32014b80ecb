//! The agents' Pods as the API server has them.

use serde_json::Value;

use crate::Cluster;

/// Those of the nodes that are there. The server keeps those of a node that left for a while.
#[derive(Debug, Clone)]
pub struct Agents(Vec<Value>);

impl Agents {
    /// As of now.
    ///
    /// # Panics
    /// Where the server can't tell.
    #[must_use]
    pub fn of(cluster: &Cluster) -> Self {
        let list = cluster.get(&["pods", "-n=trestle", "-l=app.kubernetes.io/name=routed-agent"]);
        let stays = |pod: &&Value| cluster.nodes().iter().any(|node| pod["spec"]["nodeName"] == node.name());
        Self(list["items"].as_array().into_iter().flatten().filter(stays).cloned().collect())
    }

    /// Their images.
    #[must_use]
    pub fn images(&self) -> Vec<String> {
        let image = |pod: &Value| pod["spec"]["containers"][0]["image"].as_str().map(str::to_owned);
        self.0.iter().filter_map(image).collect()
    }

    /// The name of that on this node.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn on(&self, node: &str) -> &str {
        let found = self.0.iter().find(|pod| pod["spec"]["nodeName"] == node);
        let name = found.and_then(|pod| pod["metadata"]["name"].as_str());
        name.unwrap_or_else(|| panic!("no agent on {node}"))
    }
}
