//! `ptp`: a veth pair and nothing else. The host end has the gateway's address, so every packet is routed.

mod conf;
mod lease;
mod plan;

use cni::{Failure, Interface, Request, Success};
use netstate::{Mac, Plan, RuleKind};

use self::conf::Conf;
use crate::interface::flow::{Base, Made, Policy, Shape, Site, Wanted};
use crate::interface::told;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ptp;

impl Policy for Ptp {
    const NAME: &'static str = "ptp";
    const SHAPE: Shape = Shape::Pair;
    type Conf = Conf;
    type Ground = ();

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn ground(_: &Conf, _: &mut Site) -> Result<(), Failure> {
        Ok(())
    }

    fn mac(_: &Conf) -> Option<Mac> {
        None
    }

    fn base<'a>(_: &'a Conf, (): &'a ()) -> Base<'a> {
        Base::None
    }

    fn rules(conf: &Conf) -> Vec<RuleKind> {
        if conf.masquerade { vec![RuleKind::Masquerade] } else { Vec::new() }
    }

    fn settle(conf: &Conf, lease: Success) -> Result<Success, Failure> {
        lease::settle(conf, lease)
    }

    fn plan(conf: &Conf, (): &(), wanted: &Wanted) -> Plan {
        plan::plan(conf, wanted)
    }

    /// The host end and the container's.
    fn interfaces(_: &Conf, (): &(), wanted: &Wanted, made: &Made) -> Vec<Interface> {
        let own = Some(wanted.ends.container_mac);
        vec![told::outer(wanted, made), told::inner(wanted, own, made)]
    }
}
