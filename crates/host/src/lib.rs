//! The verbs, and the only code that changes a machine: network namespaces, netlink, nftables, kernel settings, and
//! our state on disk. Everything here is synchronous, on one thread, and starts no other program but
//! those of iptables (see [`iptables`]).

mod address;
mod adjustment;
mod alias;
mod announce;
mod apply;
mod away;
pub mod boot;
mod compare;
pub mod conntrack;
mod container_link;
pub mod cookie;
pub mod draft;
mod error;
pub mod executable;
pub mod fabric;
mod firewall;
mod foresee;
mod forwarding;
mod inside;
pub mod iptables;
mod label;
pub mod life;
pub mod link;
mod look;
mod lower;
mod machine;
mod namespace;
pub mod netlink;
pub mod nftables;
pub mod nsfs;
pub mod nsid;
mod pod_rules;
pub mod record;
mod remove;
mod restore;
mod route;
mod selinux;
mod settle;
mod strays;
mod sysctl;
mod tap;
mod unrecorded;
pub mod uplink;
pub mod watch;
mod withdraw;

pub use apply::Applied;
pub use away::{Away, AwayError, Lent};
pub use compare::Difference;
pub use error::Error;
pub use firewall::FirewalldError;
pub use machine::Host;
pub use namespace::{Namespace, Turn};
pub use unrecorded::{Fate, Leftover};
