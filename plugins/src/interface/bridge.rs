//! `bridge`: a veth pair whose host end is a port of a bridge.

mod conf;
mod lease;
mod plan;
#[cfg(test)]
mod tests;

use cni::{Failure, Interface, Request, Success};
use netstate::{Mac, Plan, RuleKind};

use self::conf::Conf;
use crate::failure::of;
use crate::interface::flow::{Base, Made, Moment, Policy, Shape, Site, Wanted};
use crate::interface::told;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bridge;

/// How far the bridge reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// Not beyond this node, or nobody needs to know.
    Node,
    /// It has a port that leads to other machines.
    Uplink,
}

impl Policy for Bridge {
    const NAME: &'static str = "bridge";
    const SHAPE: Shape = Shape::Pair;
    type Conf = Conf;
    type Ground = Ground;

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn ground(conf: &Conf, site: &mut Site) -> Result<Ground, Failure> {
        // Announcements are past where an attachment stands.
        let beyond = site.moment == Moment::Before && site.host.has_uplink(&conf.bridge).map_err(of)?;
        Ok(if beyond { Ground::Uplink } else { Ground::Node })
    }

    fn mac(conf: &Conf) -> Option<Mac> {
        conf.mac
    }

    fn base<'a>(conf: &'a Conf, _: &Ground) -> Base<'a> {
        Base::Made(&conf.bridge)
    }

    fn rules(conf: &Conf) -> Vec<RuleKind> {
        let kinds = [(conf.masquerade, RuleKind::Masquerade), (conf.guard, RuleKind::MacGuard)];
        kinds.into_iter().filter_map(|(wanted, kind)| wanted.then_some(kind)).collect()
    }

    fn settle(conf: &Conf, lease: Success) -> Result<Success, Failure> {
        Ok(lease::settle(conf, lease))
    }

    fn plan(conf: &Conf, ground: &Ground, wanted: &Wanted) -> Plan {
        plan::plan(conf, *ground, wanted)
    }

    /// The bridge, the host end, the container's end and, where a VLAN's gateway was asked for, its interface.
    fn interfaces(conf: &Conf, _: &Ground, wanted: &Wanted, made: &Made) -> Vec<Interface> {
        let master = made.master.as_ref();
        let bridge = told::on_host(&conf.bridge, master.and_then(|bridge| bridge.mac));
        let own = Some(wanted.ends.container_mac);
        let mut interfaces = vec![
            Interface { mtu: master.map(|bridge| bridge.mtu), ..bridge },
            told::outer(wanted, made),
            told::inner(wanted, own, made),
        ];
        let gateway = plan::gateway_link(conf).filter(|_| conf.gateway != conf::Gateway::No);
        interfaces.extend(gateway.map(|gateway| told::on_host(&gateway.name, made.gateway)));
        interfaces
    }
}
