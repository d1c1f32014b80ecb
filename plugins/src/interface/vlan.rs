//! `vlan`: the frames of a link of the host that bear a tag.

mod conf;

use cni::{Failure, Interface, Request, Success};
use netstate::{ContainerLink, LinkKind, Mac, Plan, VlanLink};

use self::conf::Conf;
use crate::interface::alone;
use crate::interface::flow::{Base, Made, Policy, Shape, Site, Wanted};
use crate::interface::keys;
use crate::interface::lower::Below;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vlan;

impl Policy for Vlan {
    const NAME: &'static str = "vlan";
    const SHAPE: Shape = Shape::Inside;
    type Conf = Conf;
    type Ground = Below;

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn ground(conf: &Conf, site: &mut Site) -> Result<Below, Failure> {
        conf.master.find(site, conf.mtu)
    }

    fn mac(_: &Conf) -> Option<Mac> {
        None
    }

    fn base<'a>(_: &'a Conf, below: &'a Below) -> Base<'a> {
        below.base()
    }

    fn settle(conf: &Conf, lease: Success) -> Result<Success, Failure> {
        Ok(keys::settle(lease, alone::CONTAINER, conf.dns.as_ref()))
    }

    /// It has its master's MAC, as a tagged port of a switch expects.
    fn plan(conf: &Conf, below: &Below, wanted: &Wanted) -> Plan {
        let kind = LinkKind::Vlan(VlanLink { lower: below.lower.clone(), vlan: conf.vlan });
        let link = ContainerLink { mac: None, ..alone::link(kind, conf.mtu, wanted) };
        alone::plan(link, alone::beyond(conf.ipam), wanted)
    }

    fn interfaces(_: &Conf, _: &Below, wanted: &Wanted, made: &Made) -> Vec<Interface> {
        alone::interfaces(wanted, made)
    }
}
