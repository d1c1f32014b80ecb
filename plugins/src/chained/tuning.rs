//! `tuning`: kernel settings of the container, and properties of its interface. DEL brings back what was there before.

mod allowlist;
mod backup;
mod conf;
mod name;

use cni::{Failure, Request, Success};
use host::Host;
use host::record::Keeper;
use netstate::{Adjustment, Object, Plan, Property, Setting, Tuned};

use self::allowlist::Allowlist;
use self::conf::{Conf, ConfError};
use super::flow::{Leaving, Machine, Policy, Wanted};
use crate::failure::of;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning;

/// What is there before anything is changed.
pub(crate) struct Before {
    /// The values of the settings, in their order; none where a setting can't be read.
    settings: Vec<Option<String>>,
    /// The link's properties, in their order.
    properties: Vec<Property>,
}

impl Policy for Tuning {
    const NAME: &'static str = "tuning";
    const KEEPER: Keeper = Keeper::Tuning;
    type Conf = Conf;
    type Seen = Before;

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn is_idle(conf: &Conf) -> bool {
        conf.settings.is_empty() && conf.properties.is_empty()
    }

    /// What ADD was allowed to set once needs no leave later.
    fn look(conf: &Conf, wanted: &Wanted, machine: &mut Machine) -> Result<Before, Failure> {
        if machine.recorded.is_empty() {
            conf.allowed_by(&Allowlist::read()?)?;
        }
        let paths = conf.paths(&wanted.link)?;
        let settings = match paths.as_slice() {
            [] => Vec::new(),
            paths => machine.container.settings(paths).map_err(of)?,
        };
        let link = match conf.properties.as_slice() {
            [] => None,
            _ => machine.host.find_in(machine.container, &wanted.link).map_err(of)?,
        };
        let before = |wanted: &Property| link.as_ref().and_then(|seen| seen.same_property(*wanted));
        let properties = conf.properties.iter().map(before).collect::<Option<_>>();
        Ok(Before { settings, properties: properties.ok_or_else(|| ConfError::NoLink(wanted.link.clone()))? })
    }

    fn plan(conf: &Conf, wanted: &Wanted, seen: &Before) -> Result<Plan, Failure> {
        let mut plan = Plan::default();
        let paths = conf.paths(&wanted.link)?;
        for ((path, (_, value)), before) in paths.into_iter().zip(&conf.settings).zip(&seen.settings) {
            let setting = Setting { path, value: value.clone(), before: before.clone() };
            plan.container(Object::Adjustment(Adjustment::Setting(setting)));
        }
        for (property, before) in conf.properties.iter().zip(&seen.properties) {
            let tuned = Tuned { link: wanted.link.clone(), wanted: *property, before: *before };
            plan.container(Object::Adjustment(Adjustment::Tuned(tuned)));
        }
        Ok(plan)
    }

    /// prevResult with the interface's new MAC and MTU.
    fn result(conf: &Conf, wanted: &Wanted) -> Success {
        let mut result = wanted.result.clone();
        let ours = |name: &str, sandbox: &str| name == wanted.link.as_str() && !sandbox.is_empty();
        for interface in result.interfaces.iter_mut().filter(|found| ours(&found.name, &found.sandbox)) {
            for property in &conf.properties {
                match property {
                    Property::Mac(mac) => interface.mac = mac.to_string(),
                    Property::Mtu(mtu) => interface.mtu = Some(*mtu),
                    Property::Promiscuous(_) | Property::AllMulticast(_) | Property::QueueLength(_) => {}
                }
            }
        }
        result
    }

    fn status(conf: &Conf, _: &mut Host) -> Result<(), Failure> {
        Ok(conf.allowed_by(&Allowlist::read()?).map_err(conf::NotAllowedNow)?)
    }

    /// What the reference wrote down, in a file of its own.
    fn remove_unrecorded(leaving: &Leaving, host: &mut Host) -> Vec<Failure> {
        backup::restore(leaving, host)
    }
}
