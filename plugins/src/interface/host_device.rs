//! `host-device`: a device of the host, lent to the container.

mod conf;
mod find;

use cni::{Failure, Interface, Request, Success};
use netstate::{Detection, Mac, Object, Plan};

use self::conf::Conf;
use self::find::{Driven, Ground};
use crate::interface::alone;
use crate::interface::flow::{Base, Made, Policy, Shape, Site, Wanted};
use crate::interface::inside;
use crate::interface::keys;
use crate::interface::told;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostDevice;

impl Policy for HostDevice {
    const NAME: &'static str = "host-device";
    const SHAPE: Shape = Shape::Lent;
    type Conf = Conf;
    type Ground = Ground;

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn ground(conf: &Conf, site: &mut Site) -> Result<Ground, Failure> {
        find::find(&conf.choice, site)
    }

    fn mac(_: &Conf) -> Option<Mac> {
        None
    }

    fn base<'a>(_: &'a Conf, _: &'a Ground) -> Base<'a> {
        Base::None
    }

    fn settle(conf: &Conf, lease: Success) -> Result<Success, Failure> {
        Ok(keys::settle(lease, alone::CONTAINER, conf.dns.as_ref()))
    }

    /// A device that a program drives has no link that could be moved or configured.
    fn plan(conf: &Conf, ground: &Ground, wanted: &Wanted) -> Plan {
        let mut plan = Plan::default();
        let Driven::Kernel(device) = &ground.driven else { return plan };
        let device = netstate::Device { name: wanted.ends.container.clone(), ..device.clone() };
        // What has no MAC has nobody to ask.
        let detection = if device.mac.is_some() { Detection::On } else { Detection::Off };
        plan.container(Object::Device(device));
        let how = inside::Inside { detection, ..alone::beyond(conf.ipam) };
        inside::plan(how, wanted, &mut plan);
        plan
    }

    fn interfaces(_: &Conf, ground: &Ground, wanted: &Wanted, made: &Made) -> Vec<Interface> {
        let inner = told::inner(wanted, made.mac, made);
        vec![Interface { pci_id: ground.pci.clone().unwrap_or_default(), ..inner }]
    }
}
