//! Interface plugins but bridge: ptp, macvlan, tap and host-device, on links that every kernel has. `tests/modules` has
//! those of kernels that know vlan, ipvlan and dummy links.

mod bus;
mod crash;
mod every;
mod host_device;
mod killing;
mod lacking;
mod macvlan;
mod preview;
mod ptp;
mod reference;
mod stage;
mod status;
mod table;
mod tap;
