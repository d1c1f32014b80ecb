//! IPAM plugins: they choose a container's addresses and make nothing in the kernel (CNI specification, section 4,
//! "Delegated plugins (IPAM)").

pub mod dhcp;
pub mod fixed;
pub mod host_local;
pub mod route;

pub use dhcp::Dhcp;
pub use fixed::Static;
pub use host_local::{Delegator, HostLocal, Lease, Standalone, add, preview, release_dead};
