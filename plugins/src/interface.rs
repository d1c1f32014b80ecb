//! Interface plugins: they make the container's link.

mod bridge;
mod flow;
mod loopback;

pub(crate) use bridge::Bridge;
pub(crate) use flow::{Flow, Swept, preview, sweep};
pub(crate) use loopback::Loopback;
