//! What `cni install` installs.

/// One a line, sorted: who adds a plugin adds a line, and counts.
#[rustfmt::skip]
pub(crate) const NAMES: [&str; 20] = [
    "bandwidth",
    "bridge",
    "cni",
    "dhcp",
    "dummy",
    "firewall",
    "flannel",
    "host-device",
    "host-local",
    "ipvlan",
    "loopback",
    "macvlan",
    "portmap",
    "ptp",
    "sbr",
    "static",
    "tap",
    "tuning",
    "vlan",
    "vrf",
];
