//! Interface plugins: they make the container's link.

mod bridge;
mod flow;
mod loopback;

pub(crate) use bridge::Bridge;
pub(crate) use flow::{Flow, preview};
pub(crate) use loopback::Loopback;
