//! The flow that all chained plugins share, and those that adjust the container itself.

mod crash;
mod flow;
mod reference;
mod sbr;
mod sbr_interfaces;
mod stage;
mod tuning;
mod vrf_support;
