//! The one flow of every interface plugin: what differs between them is a [`Policy`].

mod attach;
mod attaching;
mod check;
mod detach;
mod garbage;
mod making;
mod policy;
mod preview;
mod status;

pub(crate) use policy::{Base, Moment, Policy, Shape, Site};
pub(crate) use preview::preview;

use cni::{Failure, Ip, Plugin, Request, Success};
use host::link::Seen;
use netstate::{Attachment, LinkName, Mac, Peer, Port, Veth};

/// What a plan needs to know beside the configuration and its ground.
pub(crate) struct Wanted<'a> {
    /// Whose attachment it is.
    pub(crate) owner: Attachment,
    /// The two ends.
    pub(crate) ends: Ends,
    /// `CNI_NETNS`.
    pub(crate) sandbox: String,
    /// What IPAM gave, settled; in CHECK, what ADD printed.
    pub(crate) result: &'a Success,
}

impl Wanted<'_> {
    /// The addresses of the container's interface.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &Ip> {
        let interfaces = &self.result.interfaces;
        let named = |index: usize| {
            interfaces.get(index).is_none_or(|found| found.name == self.ends.container.as_str())
        };
        self.result.ips.iter().filter(move |ip| ip.interface.is_some_and(named))
    }

    /// The pair of both ends; the host's may be a bridge's port.
    pub(crate) fn veth(&self, mtu: Option<u32>, port: Option<Port>) -> Veth {
        let Ends { host, host_mac, container, container_mac } = self.ends.clone();
        let peer = Peer { name: container, mac: container_mac };
        Veth { name: host, mac: host_mac, peer, mtu, port, owner: self.owner.clone() }
    }
}

/// The two ends of an attachment's link. A link that is the container's alone has no host end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ends {
    /// The host's.
    pub(crate) host: LinkName,
    /// Its MAC.
    pub(crate) host_mac: Mac,
    /// The container's: `CNI_IFNAME`.
    pub(crate) container: LinkName,
    /// Its MAC.
    pub(crate) container_mac: Mac,
}

impl Ends {
    /// The ends of a new attachment: a MAC that was asked for, or one from the first IPv4 address of `known`, or the
    /// attachment's own.
    fn new(owner: &Attachment, container: LinkName, mac: Option<Mac>, known: &[Ip]) -> Self {
        let from_address = || known.iter().find_map(|ip| mac_of(ip.address));
        Self {
            host: owner.host_link(),
            host_mac: owner.host_mac(),
            container,
            container_mac: mac.or_else(from_address).unwrap_or_else(|| owner.container_mac()),
        }
    }
}

fn mac_of(address: ipnetwork::IpNetwork) -> Option<Mac> {
    match address {
        ipnetwork::IpNetwork::V4(v4) => Some(Mac::from_ipv4(v4.ip())),
        ipnetwork::IpNetwork::V6(_) => None,
    }
}

/// What the kernel says of what was made.
#[derive(Default)]
pub(crate) struct Made {
    /// The bridge.
    pub(crate) master: Option<Master>,
    /// The MTU of both ends, in bytes.
    pub(crate) mtu: Option<u32>,
    /// The MAC of a link that is the container's alone.
    pub(crate) mac: Option<Mac>,
    /// The MAC of the VLAN's gateway interface; absent where there is none, or a preview finds none yet.
    pub(crate) gateway: Option<Mac>,
}

/// What a result tells of the link that containers are attached to.
pub(crate) struct Master {
    /// Its MAC; absent where a preview finds no link yet, for a new bridge's is random.
    pub(crate) mac: Option<Mac>,
    /// Its MTU, in bytes.
    pub(crate) mtu: u32,
}

impl From<Seen> for Master {
    fn from(seen: Seen) -> Self {
        Self { mac: seen.mac, mtu: seen.mtu }
    }
}

/// An interface plugin: the flow with a policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flow<P>(pub(crate) P);

impl<P: Policy> Plugin for Flow<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn add(&self, request: &Request) -> Result<Success, Failure> {
        attach::add::<P>(request)
    }

    fn del(&self, request: &Request) -> Result<(), Failure> {
        detach::del::<P>(request)
    }

    fn check(&self, request: &Request) -> Result<(), Failure> {
        check::check::<P>(request)
    }

    fn gc(&self, request: &Request) -> Result<(), Failure> {
        garbage::gc(request)
    }

    fn status(&self, request: &Request) -> Result<(), Failure> {
        status::status::<P>(request)
    }
}
