//! Routes.

use std::fmt;
use std::net::IpAddr;

use ipnetwork::IpNetwork;

use crate::LinkName;

/// How far away a route's destination is (`rt_scope`, `rtnetlink(7)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope(pub u8);

impl Scope {
    /// Beyond a gateway.
    pub const GLOBAL: Self = Self(0);
    /// On the link.
    pub const LINK: Self = Self(253);
    /// The machine itself.
    pub const HOST: Self = Self(254);
}

/// A route through a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where to.
    pub destination: IpNetwork,
    /// By whom; on the link itself where absent.
    pub gateway: Option<IpAddr>,
    /// Through which link.
    pub link: LinkName,
    /// The address that packets leave with; the kernel's choice where absent.
    pub source: Option<IpAddr>,
    /// The metric; the kernel's choice where absent.
    pub priority: Option<u32>,
    /// The table; main where absent.
    pub table: Option<u32>,
    /// The scope; global where absent.
    pub scope: Option<Scope>,
    /// The path's MTU in bytes.
    pub mtu: Option<u32>,
    /// The largest TCP segment to announce, in bytes.
    pub advmss: Option<u32>,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route {}", self.destination)?;
        self.gateway.iter().try_for_each(|gateway| write!(f, " via {gateway}"))?;
        write!(f, " dev {}", self.link)?;
        self.source.iter().try_for_each(|source| write!(f, " src {source}"))?;
        let numbers =
            [("metric", self.priority), ("table", self.table), ("mtu", self.mtu), ("advmss", self.advmss)];
        for (word, number) in numbers {
            number.iter().try_for_each(|number| write!(f, " {word} {number}"))?;
        }
        self.scope.iter().try_for_each(|scope| write!(f, " scope {}", scope.0))
    }
}
