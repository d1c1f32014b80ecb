//! The verbs, and the only code that changes a machine: network namespaces, netlink, nftables, kernel settings, and
//! our state on disk. Everything here is synchronous, on one thread, and starts no other program but
//! `iptables-legacy-*` (see [`nftables`]).

pub mod netlink;
pub mod nftables;
pub mod boot;
pub mod cookie;
pub mod draft;
pub mod life;
pub mod nsfs;
