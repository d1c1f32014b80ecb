//! `tap`: a link whose other end is a program in the container, a virtual machine's monitor for example.

mod conf;

use cni::{Failure, Interface, Request, Success};
use netstate::{Detection, LinkKind, Mac, Plan};

use self::conf::Conf;
use crate::interface::alone;
use crate::interface::flow::{Base, Made, Policy, Shape, Site, Wanted};
use crate::interface::inside::{Inside, Reach};
use crate::interface::keys;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tap;

/// Nobody answers before the program has opened it.
const INSIDE: Inside<'static> = Inside { detection: Detection::Off, reach: Reach::Beyond };

impl Policy for Tap {
    const NAME: &'static str = "tap";
    const SHAPE: Shape = Shape::Inside;
    type Conf = Conf;
    type Ground = ();

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn ground(_: &Conf, _: &mut Site) -> Result<(), Failure> {
        Ok(())
    }

    fn mac(conf: &Conf) -> Option<Mac> {
        conf.mac
    }

    fn base<'a>(_: &'a Conf, (): &'a ()) -> Base<'a> {
        Base::None
    }

    fn settle(conf: &Conf, lease: Success) -> Result<Success, Failure> {
        Ok(keys::settle(lease, alone::CONTAINER, conf.dns.as_ref()))
    }

    fn plan(conf: &Conf, (): &(), wanted: &Wanted) -> Plan {
        let link = alone::link(LinkKind::Tap(conf.tap.clone()), conf.mtu, wanted);
        alone::plan(link, INSIDE, wanted)
    }

    fn interfaces(_: &Conf, (): &(), wanted: &Wanted, made: &Made) -> Vec<Interface> {
        alone::interfaces(wanted, made)
    }
}
