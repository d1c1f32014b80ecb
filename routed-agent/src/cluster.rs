//! Nodes as they were written → members that can be reached, and a reason for each one that can't. Pure.
//!
//! A Node that says something wrong costs its own pods only: it is refused with a reason, and changes nothing for
//! anybody else. Each family stands for itself: a Node may be refused in one and be a member in the other. Whether a
//! Node is Ready, cordoned or silent does not matter here: its pods keep their routes for as long as it exists.

mod claim;
mod reason;

use std::net::IpAddr;
use std::rc::Rc;

use ipnetwork::IpNetwork;
use netstate::{Family, Mac};

pub(crate) use claim::{holds, keys, read_vtep};
pub(crate) use reason::{Reason, Refused};

use crate::node::Node;
use claim::Claim;

/// What all nodes of a cluster have agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    /// This node's name.
    pub(crate) own: String,
    /// The addresses of all pods: one network a family in use.
    pub(crate) networks: Vec<IpNetwork>,
    /// The VXLAN network identifier, where this node has a tunnel.
    pub(crate) vni: Option<u32>,
    /// What is thought of a Node without annotations.
    pub(crate) unannotated: Unannotated,
}

/// A Node without annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unannotated {
    /// Its agent has not started yet, and will say which MAC its tunnel has.
    Waits,
    /// Nobody writes annotations here (a nodes file): its tunnel's MAC follows from its pod subnet.
    Derives,
}

/// All nodes, this one among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cluster {
    /// This node's pods: one subnet a family at most.
    pub(crate) own: Vec<IpNetwork>,
    /// Every other node, once a family, sorted by subnet.
    pub(crate) members: Vec<Member>,
    /// Every address that packets of another node's tunnel may come from, sorted.
    pub(crate) endpoints: Vec<IpAddr>,
    /// Subnets of Nodes whose agents have not said how they are reached.
    pub(crate) silent: Vec<IpNetwork>,
    /// Who is no member, or not in both families, and why.
    pub(crate) refused: Vec<Refused>,
}

/// Another node, in one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its name.
    pub(crate) node: Rc<str>,
    /// Its pods.
    pub(crate) subnet: IpNetwork,
    /// Where it is reached.
    pub(crate) address: IpAddr,
    /// How it wants to be reached.
    pub(crate) reach: Reach,
}

/// How a node is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It has no tunnel: as a neighbour only.
    Direct,
    /// It has a VXLAN device with this MAC.
    Tunnel(Mac),
}

impl Cluster {
    /// Judges every Node.
    pub(crate) fn of<'a>(nodes: impl Iterator<Item = &'a Node>, terms: &Terms) -> Self {
        let mut cluster = Self::default();
        let mut claims = Vec::new();
        for node in nodes {
            let name: Rc<str> = node.name.as_str().into();
            if node.name != terms.own {
                cluster.endpoints.extend(claim::addresses(node));
            }
            for network in &terms.networks {
                match Claim::of(node, Rc::clone(&name), *network) {
                    Ok(claim) => claims.push(claim),
                    Err(reason) => {
                        let family = Family::of(network.ip());
                        cluster.refused.push(Refused { node: Rc::clone(&name), family, reason });
                    }
                }
            }
        }
        cluster.endpoints.sort_unstable();
        cluster.endpoints.dedup();
        let judged = claim::rivals(claims);
        let judged: Vec<_> =
            judged.into_iter().map(|(claim, rival)| (claim.judge(rival, terms), claim)).collect();
        let holders = claim::holders(
            judged.iter().filter_map(|(verdict, claim)| Some((verdict.as_ref().ok()?.as_ref()?, claim))),
        );
        for (verdict, claim) in &judged {
            let verdict = match verdict {
                Ok(Some(member)) => claim.check_mac(member, &holders).map(|()| Some(member)),
                Ok(None) => Ok(None),
                Err(reason) => Err(reason.clone()),
            };
            match verdict {
                Ok(Some(member)) => cluster.members.push(member.clone()),
                Ok(None) => cluster.own.push(claim.subnet),
                Err(reason) => {
                    if matches!(reason, Reason::Silent(_)) {
                        cluster.silent.push(claim.subnet);
                    }
                    let (node, family) = (Rc::clone(&claim.node), Family::of(claim.subnet.ip()));
                    cluster.refused.push(Refused { node, family, reason });
                }
            }
        }
        cluster
    }
}

#[cfg(test)]
mod tests;
