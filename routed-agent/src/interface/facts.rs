//! What the kernel says about links, as far as the choice goes by it.

use std::fmt;
use std::net::IpAddr;

use netstate::Family;

/// What there is. The order of links and addresses is the kernel's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The links of this node.
    pub(crate) links: Vec<Link>,
    /// The default routes of the main table.
    pub(crate) default_routes: Vec<DefaultRoute>,
    /// How the kernel would reach [`super::Wish::can_reach`]; absent where it was not asked, or could not.
    pub(crate) reach: Option<Reach>,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// Its name.
    pub(crate) name: String,
    /// Its MTU in bytes.
    pub(crate) mtu: u32,
    /// Its addresses that can be used: no tentative or duplicate one.
    pub(crate) addresses: Vec<LinkAddress>,
}

/// An address of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinkAddress {
    /// The address.
    pub(crate) address: IpAddr,
    /// How long it may be counted on.
    pub(crate) standing: Standing,
}

/// How long an address may be counted on, the longest first (`ip-address(8)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Set by somebody, for ever.
    Permanent,
    /// Leased, or made from a router's announcement.
    Dynamic,
    /// Of the privacy extensions (RFC 8981).
    Temporary,
    /// Not to be used for anything new.
    Deprecated,
}

/// A default route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DefaultRoute {
    /// Its family.
    pub(crate) family: Family,
    /// The name of the link that it leaves by.
    pub(crate) link: String,
    /// The lower the better.
    pub(crate) metric: u32,
}

/// How an address would be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The name of the link.
    pub(crate) link: String,
    /// The address that packets would leave with, where the kernel names it.
    pub(crate) source: Option<IpAddr>,
}

impl Facts {
    /// The link of a name.
    pub(super) fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// A family's default routes, the best first.
    pub(super) fn default_routes(&self, family: Family) -> Vec<&DefaultRoute> {
        let mut routes: Vec<_> = self.default_routes.iter().filter(|route| route.family == family).collect();
        routes.sort_by_key(|route| route.metric);
        routes
    }
}

/// `eth0 (192.0.2.1, 2001:db8::1), lo (127.0.0.1)`, for messages.
impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.links.is_empty() {
            return f.write_str("no link");
        }
        let links = self.links.iter().map(|link| {
            let addresses: Vec<_> = link.addresses.iter().map(|own| own.address.to_string()).collect();
            let addresses = if addresses.is_empty() { "no address".to_owned() } else { addresses.join(", ") };
            format!("{} ({addresses})", link.name)
        });
        f.write_str(&links.collect::<Vec<_>>().join(", "))
    }
}
