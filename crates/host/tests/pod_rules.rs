//! The rules of all pods of a node in the real kernel: what `nft` and `iptables` say of them, and what packets meet.
//! Each test has a node of its own.

#[path = "pod_rules/forward.rs"]
mod forward;
#[path = "pod_rules/masquerade.rs"]
mod masquerade;
#[path = "pod_rules/network.rs"]
mod network;
#[path = "pod_rules/table.rs"]
mod table;
#[path = "pod_rules/tunnel.rs"]
mod tunnel;
#[path = "pod_rules/wanted.rs"]
mod wanted;
