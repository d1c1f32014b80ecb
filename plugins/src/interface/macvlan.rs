//! `macvlan`: a MAC of the container's own on a link of the host.

mod conf;

use cni::{Failure, Interface, Request, Success};
use netstate::{ContainerLink, LinkKind, Mac, Macvlan as Kind, MacvlanMode, Plan};

use self::conf::Conf;
use crate::interface::alone;
use crate::interface::flow::{Base, Made, Policy, Shape, Site, Wanted};
use crate::interface::keys;
use crate::interface::lower::Below;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Macvlan;

impl Policy for Macvlan {
    const NAME: &'static str = "macvlan";
    const SHAPE: Shape = Shape::Inside;
    type Conf = Conf;
    type Ground = Below;

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn ground(conf: &Conf, site: &mut Site) -> Result<Below, Failure> {
        conf.master.find(site, conf.mtu)
    }

    fn mac(conf: &Conf) -> Option<Mac> {
        conf.mac
    }

    fn base<'a>(_: &'a Conf, below: &'a Below) -> Base<'a> {
        below.base()
    }

    fn settle(conf: &Conf, lease: Success) -> Result<Success, Failure> {
        Ok(keys::settle(lease, alone::CONTAINER, conf.dns.as_ref()))
    }

    fn plan(conf: &Conf, below: &Below, wanted: &Wanted) -> Plan {
        let kind = LinkKind::Macvlan(Kind {
            lower: below.lower.clone(),
            mode: conf.mode,
            broadcast_queue: conf.broadcast_queue,
        });
        // One that passes everything through has its lower link's MAC, which a new one would change, too.
        let own = conf.mode != MacvlanMode::Passthru || conf.mac.is_some();
        let link = alone::link(kind, conf.mtu, wanted);
        let link = if own { link } else { ContainerLink { mac: None, ..link } };
        alone::plan(link, alone::beyond(conf.ipam), wanted)
    }

    fn interfaces(_: &Conf, _: &Below, wanted: &Wanted, made: &Made) -> Vec<Interface> {
        alone::interfaces(wanted, made)
    }
}
