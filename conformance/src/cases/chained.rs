//! What chained plugins do to an interface that others made.

pub(super) mod bandwidth;
pub(super) mod firewall;
pub(super) mod portmap;
pub(super) mod sbr;
pub(super) mod tuning;
pub(super) mod vrf;
