//! What a network is made of, as plain values: links, addresses, routes, rules, and the [`Plan`] that orders them.
//!
//! Nothing here touches a machine. A plugin turns its configuration into a [`Plan`]; the `host` crate applies it,
//! compares it with the kernel and removes it. One value serves ADD, CHECK, DEL, GC and `cni plan`, so they can't
//! drift apart.

mod address;
mod adjustment;
mod announcement;
mod attachment;
mod condition;
mod container_link;
mod fabric;
mod family;
mod firewall;
mod host_ports;
mod link;
mod mac;
mod plan;
mod pod_rules;
mod port;
mod renumbering;
mod route;
mod rule;
mod shaping;
mod source_routing;
mod sysctl;
mod tuning;
mod vrf;

pub use address::{Address, Conflict, Detection, PrefixRoute};
pub use adjustment::Adjustment;
pub use announcement::Announcement;
pub use attachment::Attachment;
pub use condition::{Answer, Condition, ConditionError, LinkPattern, Part, Test};
pub use container_link::{
    ContainerLink, Device, Ipvlan, IpvlanMode, LinkKind, Lower, Macvlan, MacvlanMode, Queues, Tap, VlanLink,
};
pub use fabric::{Checksums, Fabric, Path, Via, Vxlan};
pub use family::{Family, first_host};
pub use firewall::{
    AcceptKeeper, Firewall, FirewallRule, FirewallRuleError, IptablesVariant, Separation, SeparationKeeper,
};
pub use host_ports::{HostPorts, HostPortsError, PortRange, Transport, TransportError};
pub use link::{
    Bridge, LinkName, LinkNameError, Peer, Port, PortFlag, PortVlans, Veth, Vlan, VlanError, VlanGateway,
};
pub use mac::{Mac, MacError};
pub use plan::{Lifetime, Object, Place, Plan, Step};
pub use pod_rules::{PodNetwork, PodRules, SourcePort, TunnelFilter};
pub use port::{Hairpin, MarkBit, MarkBitError, Marking, PortChains, PortClass, PortMapping, Ports};
pub use renumbering::Renumbering;
pub use route::{Route, Scope};
pub use rule::{MacGuard, Masquerade, RuleKind};
pub use shaping::{Direction, Limit, Shaping, ShapingError, Traffic};
pub use source_routing::{Change, KernelRoute, RouteChange, SourceRule};
pub use sysctl::Sysctl;
pub use tuning::{Property, PropertyError, Setting, Tuned};
pub use vrf::VrfMember;
