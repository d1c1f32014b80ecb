//! Links that are the container's alone: made in its namespace, or lent to it by the host. Nothing of them is left on
//! the host.

use std::fmt;

use crate::{Attachment, LinkName, Mac, Place, Vlan};

/// A link that is made in the container, by one request and under its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerLink {
    /// `CNI_IFNAME`.
    pub name: LinkName,
    /// Its MAC; the kernel's choice where absent.
    pub mac: Option<Mac>,
    /// Its MTU, in bytes; the kernel's choice where absent.
    pub mtu: Option<u32>,
    /// What it is.
    pub kind: LinkKind,
    /// Whose it is: its alias says so to whoever looks.
    pub owner: Attachment,
}

/// What a container's link is, and what it goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkKind {
    /// A MAC of its own on another link.
    Macvlan(Macvlan),
    /// IP addresses of its own on another link, whose MAC it has.
    Ipvlan(Ipvlan),
    /// The frames of another link that bear a tag (IEEE 802.1Q).
    Vlan(VlanLink),
    /// It leads nowhere.
    Dummy,
    /// A program in the container is its other end.
    Tap(Tap),
}

/// The link that another rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lower {
    /// Its name.
    pub name: LinkName,
    /// Where it is.
    pub place: Place,
}

/// `ip link add … type macvlan`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macvlan {
    /// What it rests on.
    pub lower: Lower,
    /// Who hears whom.
    pub mode: MacvlanMode,
    /// How many broadcast frames may wait (`bcqueuelen`); the kernel's choice where absent.
    pub broadcast_queue: Option<u32>,
}

/// How the macvlan links of one lower link see each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacvlanMode {
    /// Directly.
    Bridge,
    /// Not at all.
    Private,
    /// By way of a switch that sends frames back.
    Vepa,
    /// There is only one, and it has the lower link for itself.
    Passthru,
}

/// `ip link add … type ipvlan`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipvlan {
    /// What it rests on.
    pub lower: Lower,
    /// At which layer it hands frames on.
    pub mode: IpvlanMode,
}

/// At which layer an ipvlan link works (`Documentation/networking/ipvlan.rst`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpvlanMode {
    /// Frames.
    L2,
    /// Packets.
    L3,
    /// Packets, by way of the host's packet filter.
    L3s,
}

/// `ip link add … type vlan`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VlanLink {
    /// What it rests on.
    pub lower: Lower,
    /// The tag; absent is the tag 0 of frames that have a priority and no VLAN.
    pub vlan: Option<Vlan>,
}

/// `ip tuntap add … mode tap vnet_hdr`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tap {
    /// Several programs, or threads, may each have a queue.
    pub queues: Queues,
    /// The user who may open it; only root where absent.
    pub user: Option<u32>,
    /// The group that may open it.
    pub group: Option<u32>,
    /// The `SELinux` context that it is made in; ours where absent.
    pub context: Option<String>,
    /// The bridge in the container that it is a port of.
    pub bridge: Option<LinkName>,
}

/// How many queues a tap link may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Queues {
    /// One.
    #[default]
    One,
    /// As many as are opened (`multi_queue`).
    Many,
}

/// A device of the host that is moved into the container, renamed there, and comes back under its old name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What it is called on the host when it is at home; its alias in the container says so.
    pub home: LinkName,
    /// How it is found on the host now, where that is not by `home`: a namespace that ended has sent it back.
    pub found: LinkName,
    /// `CNI_IFNAME`.
    pub name: LinkName,
    /// Its MAC, where it has one.
    pub mac: Option<Mac>,
}

impl LinkKind {
    /// What it rests on.
    pub fn lower(&self) -> Option<&Lower> {
        match self {
            Self::Macvlan(Macvlan { lower, .. })
            | Self::Ipvlan(Ipvlan { lower, .. })
            | Self::Vlan(VlanLink { lower, .. }) => Some(lower),
            Self::Dummy | Self::Tap(_) => None,
        }
    }
}

impl fmt::Display for ContainerLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind.word())?;
        write!(f, " {}", self.name)?;
        self.mac.iter().try_for_each(|mac| write!(f, " address {mac}"))?;
        self.mtu.iter().try_for_each(|mtu| write!(f, " mtu {mtu}"))?;
        self.kind.lower().iter().try_for_each(|lower| write!(f, " {lower}"))?;
        self.kind.details(f)
    }
}

impl LinkKind {
    fn word(&self) -> &'static str {
        match self {
            Self::Macvlan(_) => "macvlan",
            Self::Ipvlan(_) => "ipvlan",
            Self::Vlan(_) => "vlan",
            Self::Dummy => "dummy",
            Self::Tap(_) => "tap",
        }
    }

    fn details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Macvlan(Macvlan { mode, broadcast_queue, .. }) => {
                write!(f, " mode {mode}")?;
                broadcast_queue.iter().try_for_each(|length| write!(f, " bcqueuelen {length}"))
            }
            Self::Ipvlan(Ipvlan { mode, .. }) => write!(f, " mode {mode}"),
            Self::Vlan(VlanLink { vlan, .. }) => write!(f, " id {}", vlan.map_or(0, Vlan::id)),
            Self::Dummy => Ok(()),
            Self::Tap(tap) => fmt::Display::fmt(tap, f),
        }
    }
}

impl fmt::Display for Lower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "over {}", self.name)?;
        match self.place {
            Place::Host => Ok(()),
            Place::Container => f.write_str(" of the container"),
        }
    }
}

impl fmt::Display for MacvlanMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bridge => "bridge",
            Self::Private => "private",
            Self::Vepa => "vepa",
            Self::Passthru => "passthru",
        })
    }
}

impl fmt::Display for IpvlanMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L2 => "l2",
            Self::L3 => "l3",
            Self::L3s => "l3s",
        })
    }
}

impl fmt::Display for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.queues == Queues::Many {
            f.write_str(" multi_queue")?;
        }
        self.user.iter().try_for_each(|user| write!(f, " user {user}"))?;
        self.group.iter().try_for_each(|group| write!(f, " group {group}"))?;
        self.context.iter().try_for_each(|context| write!(f, " context {context}"))?;
        self.bridge.iter().try_for_each(|bridge| write!(f, " master {bridge}"))
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "device {} as {}", self.home, self.name)
    }
}
