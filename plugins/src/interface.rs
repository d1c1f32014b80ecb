//! Interface plugins: they make the container's link.

mod alone;
mod bridge;
mod dummy;
mod flow;
mod host_device;
mod inside;
mod ipvlan;
mod keys;
mod loopback;
mod lower;
mod macvlan;
mod masquerade;
mod ptp;
mod tap;
mod told;
mod vlan;

pub(crate) use bridge::Bridge;
pub(crate) use dummy::Dummy;
pub(crate) use flow::{Flow, Shape, preview};
pub(crate) use host_device::HostDevice;
pub(crate) use ipvlan::Ipvlan;
pub(crate) use loopback::Loopback;
pub(crate) use macvlan::Macvlan;
pub(crate) use ptp::Ptp;
pub(crate) use tap::Tap;
pub(crate) use vlan::Vlan;
