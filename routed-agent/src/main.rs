//! The node's agent: keeps the kernel such that every pod of this node reaches every pod of every other node.
//!
//! ```text
//! source       Nodes from the Kubernetes API, or from a nodes file
//! cluster      Nodes → paths to valid peers, and a reason for each one ignored       pure
//! duties       settings, own node, peers → Fabric, PodRules, files                   pure
//! agent        the only loop and the only state: wait, coalesce, plan, reconcile, report
//! report       node condition, events, metrics, health, status
//! ```

mod client;
mod command;
mod conflist;
mod interface;
mod net_conf;
mod node;
mod published;
mod report;
mod source;
mod subnet_env;

fn main() {}
