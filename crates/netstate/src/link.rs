//! Links: the bridge, the veth pair, and what a bridge port may be told.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::{Attachment, Mac};

/// A link's name: 1 to 15 bytes that the kernel takes (`dev_valid_name`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkName(String);

/// Why a name can't be a link's. The texts are the reference's (`utils.ValidateInterfaceName`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkNameError {
    /// No name at all.
    #[error("interface name is empty")]
    Empty,
    /// Over 15 bytes: `IFNAMSIZ` counts the closing zero.
    #[error("interface name is too long")]
    TooLong,
    /// A directory's own names, which sysfs could not hold.
    #[error("interface name is . or ..")]
    Dots,
    /// `/`, `:` or white space.
    #[error("interface name contains / or : or whitespace characters")]
    Character,
}

impl LinkName {
    /// # Errors
    /// [`LinkNameError`] where the kernel would refuse the name.
    pub fn new(name: &str) -> Result<Self, LinkNameError> {
        match name {
            "" => Err(LinkNameError::Empty),
            _ if name.len() > 15 => Err(LinkNameError::TooLong),
            "." | ".." => Err(LinkNameError::Dots),
            _ if name.contains(|c: char| c == '/' || c == ':' || c.is_whitespace()) => {
                Err(LinkNameError::Character)
            }
            _ => Ok(Self(name.to_owned())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LinkName {
    type Err = LinkNameError;

    fn from_str(name: &str) -> Result<Self, LinkNameError> {
        Self::new(name)
    }
}

/// A VLAN ID, 1 to 4094 (IEEE 802.1Q: 0 is "no VLAN", 4095 is reserved).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vlan(NonZeroU16);

/// A number that is no VLAN ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a VLAN ID: 1 to 4094")]
pub struct VlanError(pub i64);

impl Vlan {
    /// The VLAN that a port has of itself (`default_pvid`).
    pub const DEFAULT: Self = Self(NonZeroU16::MIN);

    /// The number.
    pub fn id(self) -> u16 {
        self.0.get()
    }
}

impl TryFrom<i64> for Vlan {
    type Error = VlanError;

    fn try_from(id: i64) -> Result<Self, VlanError> {
        match u16::try_from(id).ok().and_then(NonZeroU16::new) {
            Some(id) if id.get() < 4095 => Ok(Self(id)),
            _ => Err(VlanError(id)),
        }
    }
}

impl fmt::Display for Vlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A bridge that many attachments share. Made where it is missing, never removed, and nothing of an existing one
/// is changed but `up` and what is asked for here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Its name.
    pub name: LinkName,
    /// The MTU of a new bridge, in bytes; the kernel's choice where absent.
    pub mtu: Option<u32>,
    /// A new bridge separates VLANs.
    pub vlan_filtering: bool,
    /// It takes in every frame (`IFF_PROMISC`).
    pub promiscuous: bool,
}

impl fmt::Display for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bridge {}", self.name)?;
        self.mtu.iter().try_for_each(|mtu| write!(f, " mtu {mtu}"))?;
        if self.vlan_filtering {
            f.write_str(" vlan_filtering")?;
        }
        if self.promiscuous { f.write_str(" promisc") } else { Ok(()) }
    }
}

/// What a bridge does for one port beyond forwarding (`ip link set … type bridge_slave`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PortFlag {
    /// A frame may go back out of the port it came in by.
    Hairpin,
    /// No frame passes between two isolated ports.
    Isolated,
}

impl fmt::Display for PortFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hairpin => "hairpin",
            Self::Isolated => "isolated",
        })
    }
}

/// The VLANs of a bridge port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortVlans {
    /// Untagged frames that come in belong to it, and its frames leave untagged.
    pub untagged: Option<Vlan>,
    /// Its frames carry their tag. Sorted, without repeats.
    pub tagged: Vec<Vlan>,
    /// [`Vlan::DEFAULT`], which the kernel gives each new port, stays.
    pub keep_default: bool,
}

/// A link's place on a bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The bridge.
    pub bridge: LinkName,
    /// What is switched on; the others are off.
    pub flags: Vec<PortFlag>,
    /// Absent where the bridge does not separate VLANs.
    pub vlans: Option<PortVlans>,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "master {}", self.bridge)?;
        self.flags.iter().try_for_each(|flag| write!(f, " {flag}"))?;
        let Some(vlans) = &self.vlans else { return Ok(()) };
        vlans.untagged.iter().try_for_each(|vlan| write!(f, " vlan {vlan} untagged"))?;
        vlans.tagged.iter().try_for_each(|vlan| write!(f, " vlan {vlan}"))
    }
}

/// The end of a veth pair that is the container's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// `CNI_IFNAME`.
    pub name: LinkName,
    /// Its MAC.
    pub mac: Mac,
}

/// A veth pair with one end on the host and the other in the container, made by one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veth {
    /// The host end.
    pub name: LinkName,
    /// The host end's MAC.
    pub mac: Mac,
    /// The container's end.
    pub peer: Peer,
    /// The MTU of both ends, in bytes; the kernel's choice (1500) where absent.
    pub mtu: Option<u32>,
    /// The host end's place on a bridge, where it has one.
    pub port: Option<Port>,
    /// Whose it is: the host end's alias says so to whoever looks.
    pub owner: Attachment,
}

impl fmt::Display for Veth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "veth {} address {} peer {} address {}",
            self.name, self.mac, self.peer.name, self.peer.mac
        )?;
        self.mtu.iter().try_for_each(|mtu| write!(f, " mtu {mtu}"))?;
        self.port.iter().try_for_each(|port| write!(f, " {port}"))
    }
}

/// A veth pair on the host whose one end is a bridge port in a VLAN and whose other end, named `<bridge>.<vlan>`,
/// carries that VLAN's gateway address. Shared, like the bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VlanGateway {
    /// `<bridge>.<vlan>`.
    pub name: LinkName,
    /// The bridge.
    pub bridge: LinkName,
    /// The VLAN.
    pub vlan: Vlan,
    /// [`Vlan::DEFAULT`] stays on the port.
    pub keep_default: bool,
}

impl VlanGateway {
    /// The name of the end that is the bridge's port: from the gateway's own name, so that two ADDs at once agree.
    pub fn port(&self) -> LinkName {
        let name = self.name.to_string();
        Attachment { network: String::new(), container: name, ifname: "port".to_owned() }.host_link()
    }
}

impl fmt::Display for VlanGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "veth {} onto {} vlan {} untagged", self.name, self.bridge, self.vlan)
    }
}
