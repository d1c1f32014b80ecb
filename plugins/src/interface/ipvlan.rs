//! `ipvlan`: IP addresses of the container's own on a link of the host, whose MAC it has.

mod conf;

use cni::{Failure, Interface, Request, Success};
use netstate::{ContainerLink, Detection, Ipvlan as Kind, IpvlanMode, LinkKind, Mac, Plan};

use self::conf::Conf;
use crate::interface::alone;
use crate::interface::flow::{Base, Made, Policy, Shape, Site, Wanted};
use crate::interface::inside::Inside;
use crate::interface::keys;
use crate::interface::lower::Below;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ipvlan;

impl Policy for Ipvlan {
    const NAME: &'static str = "ipvlan";
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

    /// Without IPAM, the addresses are those of the plugins before this one.
    fn settle(conf: &Conf, lease: Success) -> Result<Success, Failure> {
        let known = conf.given.clone().unwrap_or(lease);
        Ok(keys::settle(known, alone::CONTAINER, conf.dns.as_ref()))
    }

    fn plan(conf: &Conf, below: &Below, wanted: &Wanted) -> Plan {
        let kind = LinkKind::Ipvlan(Kind { lower: below.lower.clone(), mode: conf.mode });
        let link = ContainerLink { mac: None, ..alone::link(kind, conf.mtu, wanted) };
        alone::plan(link, how(conf), wanted)
    }

    fn interfaces(_: &Conf, _: &Below, wanted: &Wanted, made: &Made) -> Vec<Interface> {
        alone::interfaces(wanted, made)
    }
}

/// Where there are no frames, nobody can be asked for duplicates.
fn how(conf: &Conf) -> Inside<'static> {
    let beyond = alone::beyond(conf.ipam);
    match conf.mode {
        IpvlanMode::L2 => beyond,
        IpvlanMode::L3 | IpvlanMode::L3s => Inside { detection: Detection::Off, ..beyond },
    }
}
