//! What interface plugins do with their keys.

pub(super) mod addresses;
pub(super) mod bridge;
pub(super) mod link;
pub(super) mod surroundings;

use crate::case::Of;

/// Those that delegate and work by veth, macvlan or tap.
const ADDRESSED: Of =
    Of::Plugins(&["bridge", "ptp", "macvlan", "ipvlan", "vlan", "tap", "dummy", "host-device"]);
