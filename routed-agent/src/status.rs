//! What the agent knows of itself: the one value behind `status`, `/readyz`, the metrics and the Node's condition.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The agent's state after its last pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// This node.
    pub(crate) node: String,
    /// `vxlan`, `host-gw`, `alloc`.
    pub(crate) backend: String,
    /// The link to the other nodes.
    pub(crate) link: Option<String>,
    /// This node's addresses there.
    pub(crate) addresses: Vec<String>,
    /// This node's pod subnets.
    pub(crate) subnets: Vec<String>,
    /// The MTU of pods, in bytes.
    pub(crate) pod_mtu: u32,
    /// A complete list of Nodes was seen.
    pub(crate) complete: bool,
    /// A pass has been made since.
    pub(crate) passed: bool,
    /// Why no news of Nodes can be had.
    pub(crate) lost: Option<String>,
    /// Nodes known, this one among them.
    pub(crate) nodes: usize,
    /// Paths to other nodes' pods: one a node and family.
    pub(crate) paths: Paths,
    /// What keeps this node from doing its work.
    pub(crate) problems: Vec<String>,
    /// What an administrator should know, and the node works all the same.
    pub(crate) warnings: Vec<String>,
    /// Nodes of which too little is known yet.
    pub(crate) waiting: Vec<String>,
    /// Nodes that are no members, and why.
    pub(crate) refused: Vec<String>,
    /// What the kernel refused, by pod subnet.
    pub(crate) failed: Vec<String>,
    /// The last things that were found wrong and mended, the newest last.
    pub(crate) repairs: Vec<String>,
}

/// How many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Paths {
    /// Wanted.
    pub(crate) wanted: usize,
    /// In the kernel.
    pub(crate) programmed: usize,
    /// Impossible, for a reason that is told.
    pub(crate) refused: usize,
}

impl Status {
    /// What people should know, each with a word for its sort.
    pub(crate) fn findings(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let sorts = [
            ("NetworkProblem", &self.problems),
            ("NetworkWarning", &self.warnings),
            ("PathFailed", &self.failed),
            ("NodeRefused", &self.refused),
        ];
        sorts.into_iter().flat_map(|(sort, lines)| lines.iter().map(move |line| (sort, line)))
    }

    /// Is every valid known node's path in the kernel? If not, why.
    ///
    /// # Errors
    /// The first reason.
    pub(crate) fn ready(&self) -> Result<(), String> {
        if !self.complete {
            let why = self.lost.as_deref().unwrap_or("it is on its way");
            return Err(format!("no complete list of Nodes yet: {why}"));
        }
        if let Some(why) = &self.lost {
            return Err(format!("no news of Nodes: {why}"));
        }
        if let Some(problem) = self.problems.first() {
            return Err(problem.clone());
        }
        if !self.passed {
            return Err("no pass has been made yet".to_owned());
        }
        match self.failed.first() {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ready() {
            Ok(()) => writeln!(f, "ready")?,
            Err(why) => writeln!(f, "not ready: {why}")?,
        }
        writeln!(f, "node      {} ({} known)", self.node, self.nodes)?;
        let link = self.link.as_deref().unwrap_or("no link");
        writeln!(f, "backend   {} over {link} {}", self.backend, self.addresses.join(" "))?;
        writeln!(f, "pods      {} mtu {}", self.subnets.join(" "), self.pod_mtu)?;
        writeln!(f, "paths     {} of {} in the kernel", self.paths.programmed, self.paths.wanted)?;
        for (title, lines) in [
            ("problem", &self.problems),
            ("warning", &self.warnings),
            ("failed", &self.failed),
            ("refused", &self.refused),
            ("waiting", &self.waiting),
            ("repaired", &self.repairs),
        ] {
            lines.iter().try_for_each(|line| writeln!(f, "{title:<9} {line}"))?;
        }
        Ok(())
    }
}
