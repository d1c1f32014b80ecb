//! Who is measured.

use cluster::Cluster;

/// IPv4, as flannel's manifest has it.
const MANIFEST: &str = include_str!("../../../../../deploy/trestle.yaml");

/// A network for a cluster.
pub(crate) struct Contender {
    /// As the table calls it.
    pub(crate) name: &'static str,
    /// What a node needs beforehand, which is not measured.
    pub(crate) prepare: fn(&Cluster),
    /// From `kubectl apply` until every node is Ready, and every agent.
    pub(crate) install: fn(&Cluster),
    /// Namespace and name of the agents' DaemonSet.
    pub(crate) agents: (&'static str, &'static str),
    /// The name of an agent's process.
    pub(crate) process: &'static str,
    /// Whether deploy/README.md has a way from here to Trestle.
    pub(crate) way: Way,
}

/// Where a cluster may go from here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It is Trestle's already.
    Arrived,
    /// `deploy/README.md`, "From flannel".
    FromFlannel,
}

/// Both.
pub(crate) const CONTENDERS: [Contender; 2] = [
    Contender {
        name: "reference + flannel",
        prepare: |cluster| cluster.prepare_for_flannel(),
        install: |cluster| cluster.install_flannel(),
        agents: ("kube-flannel", "kube-flannel-ds"),
        process: "flanneld",
        way: Way::FromFlannel,
    },
    Contender {
        name: "Trestle",
        prepare: |_| {},
        install: |cluster| {
            cluster.apply_text(MANIFEST);
            cluster.wait_ready();
        },
        agents: ("trestle", "routed-agent"),
        process: "routed-agent",
        way: Way::Arrived,
    },
];
