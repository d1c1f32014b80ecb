//! `dummy`: a link that leads nowhere, for its addresses.

use cni::{Dns, Failure, Interface, Request, Success};
use netstate::{Detection, LinkKind, Mac, Plan};
use serde::Deserialize;

use crate::interface::alone;
use crate::interface::flow::{Base, Made, Policy, Shape, Site, Wanted};
use crate::interface::inside::{Inside, Reach};
use crate::interface::keys;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dummy;

/// It has no keys of its own. What was written, absent as Go has it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Written {
    dns: Dns,
}

impl Policy for Dummy {
    const NAME: &'static str = "dummy";
    const SHAPE: Shape = Shape::Inside;
    /// `dns`, where it says anything at all.
    type Conf = Option<Dns>;
    type Ground = ();

    fn parse(request: &Request) -> Result<Option<Dns>, Failure> {
        let written: Written = request.config.decode()?;
        keys::require_ipam(request)?;
        Ok(keys::dns(written.dns))
    }

    fn ground(_: &Option<Dns>, _: &mut Site) -> Result<(), Failure> {
        Ok(())
    }

    fn mac(_: &Option<Dns>) -> Option<Mac> {
        None
    }

    fn base<'a>(_: &'a Option<Dns>, (): &'a ()) -> Base<'a> {
        Base::None
    }

    fn settle(dns: &Option<Dns>, lease: Success) -> Result<Success, Failure> {
        Ok(keys::settle(lease, alone::CONTAINER, dns.as_ref()))
    }

    fn plan(_: &Option<Dns>, (): &(), wanted: &Wanted) -> Plan {
        let how = Inside { detection: Detection::Off, reach: Reach::Node };
        alone::plan(alone::link(LinkKind::Dummy, None, wanted), how, wanted)
    }

    fn interfaces(_: &Option<Dns>, (): &(), wanted: &Wanted, made: &Made) -> Vec<Interface> {
        alone::interfaces(wanted, made)
    }
}
