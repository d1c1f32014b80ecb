//! Chained plugins: they adjust an attachment that a plugin before them in the list made.

mod bandwidth;
mod firewall;
mod flow;
mod portmap;
mod sbr;
mod tuning;
mod vrf;

pub(crate) use bandwidth::Bandwidth;
pub(crate) use firewall::Firewall;
pub(crate) use flow::{Flow, preview};
pub(crate) use portmap::Portmap;
pub(crate) use sbr::Sbr;
pub(crate) use tuning::Tuning;
pub(crate) use vrf::Vrf;
