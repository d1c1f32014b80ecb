//! The plugins of this binary: one line each.

use cni::{Failure, Plugin, Request, Success};
use netstate::Plan;

use crate::chained::{self, Bandwidth, Firewall, Portmap, Sbr, Tuning, Vrf};
use crate::flannel::Flannel;
use crate::interface::{Bridge, Dummy, Flow, HostDevice, Ipvlan, Loopback, Macvlan, Ptp, Tap, Vlan, preview};

/// One plugin.
pub(crate) struct Entry {
    /// What a runtime calls.
    pub(crate) plugin: &'static dyn Plugin,
    /// What `cni plan` asks: the plan of an ADD, and the result it would print.
    pub(crate) preview: Option<Preview>,
}

/// A look at an ADD that changes nothing.
pub(crate) type Preview = fn(&Request) -> Result<(Plan, Success), Failure>;

/// In the order of their kinds: interface, chained, meta, IPAM.
pub(crate) const PLUGINS: &[Entry] = &[
    Entry { plugin: &Flow(Bridge), preview: Some(preview::<Bridge>) },
    Entry { plugin: &Flow(Ptp), preview: Some(preview::<Ptp>) },
    Entry { plugin: &Flow(Macvlan), preview: Some(preview::<Macvlan>) },
    Entry { plugin: &Flow(Ipvlan), preview: Some(preview::<Ipvlan>) },
    Entry { plugin: &Flow(Vlan), preview: Some(preview::<Vlan>) },
    Entry { plugin: &Flow(Dummy), preview: Some(preview::<Dummy>) },
    Entry { plugin: &Flow(Tap), preview: Some(preview::<Tap>) },
    Entry { plugin: &Flow(HostDevice), preview: Some(preview::<HostDevice>) },
    Entry { plugin: &Loopback, preview: None },
    Entry { plugin: &chained::Flow(Firewall), preview: Some(chained::preview::<Firewall>) },
    Entry { plugin: &chained::Flow(Bandwidth), preview: Some(chained::preview::<Bandwidth>) },
    Entry { plugin: &chained::Flow(Portmap), preview: Some(chained::preview::<Portmap>) },
    Entry { plugin: &chained::Flow(Tuning), preview: Some(chained::preview::<Tuning>) },
    Entry { plugin: &chained::Flow(Sbr), preview: Some(chained::preview::<Sbr>) },
    Entry { plugin: &chained::Flow(Vrf), preview: Some(chained::preview::<Vrf>) },
    Entry { plugin: &Flannel, preview: None },
    Entry { plugin: &::ipam::HostLocal, preview: None },
    Entry { plugin: &::ipam::Static, preview: None },
    Entry { plugin: &::ipam::Dhcp, preview: None },
];

/// The plugin of this name.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    PLUGINS.iter().find(|entry| entry.plugin.name() == name)
}
