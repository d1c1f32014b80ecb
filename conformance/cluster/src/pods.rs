//! The Pods of a workload as the API server has them.

use std::net::IpAddr;

use serde_json::Value;

use crate::Cluster;

/// One Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// The name of its Node.
    pub node: String,
    /// Its addresses; those of its node where it is in the node's network.
    pub addresses: Vec<IpAddr>,
}

/// Pods with a label `app`.
#[derive(Debug, Clone)]
pub struct Pods(pub Vec<Pod>);

impl Pods {
    /// Those of this label on nodes that are there, by their nodes' names. The server keeps those of a node that left for a while.
    ///
    /// # Panics
    /// Where the server can't tell.
    #[must_use]
    pub fn of(cluster: &Cluster, app: &str) -> Self {
        let list = cluster.get(&["pods", "-n=default", "-l", &format!("app={app}")]);
        let mut pods: Vec<Pod> = list["items"].as_array().into_iter().flatten().map(pod).collect();
        pods.retain(|pod| cluster.nodes().iter().any(|node| node.name() == pod.node));
        pods.sort_by(|one, other| one.node.cmp(&other.node));
        Self(pods)
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|pod| pod.name.as_str()).collect()
    }

    /// The first on this Node.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn on(&self, node: &str) -> &Pod {
        self.0.iter().find(|pod| pod.node == node).unwrap_or_else(|| panic!("none on {node}: {self:?}"))
    }
}

fn pod(seen: &Value) -> Pod {
    let addresses = seen["status"]["podIPs"].as_array().into_iter().flatten();
    Pod {
        name: seen["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        node: seen["spec"]["nodeName"].as_str().unwrap_or_default().to_owned(),
        addresses: addresses.filter_map(|one| one["ip"].as_str()?.parse().ok()).collect(),
    }
}
