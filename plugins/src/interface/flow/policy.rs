//! What one interface plugin decides.

use cni::{Failure, Interface, Request, Success};
use host::{Fate, Host, Namespace};
use netstate::{LinkName, Mac, Plan, RuleKind};

use super::{Made, Wanted};

/// What one plugin decides. Only [`Policy::ground`] looks at the machine, and nothing here changes it.
pub(crate) trait Policy {
    /// The plugin's name.
    const NAME: &'static str;
    /// What of an attachment is on the host.
    const SHAPE: Shape;
    /// Its configuration, parsed.
    type Conf;
    /// What of the machine a plan rests on: the link below, the device to move.
    type Ground;

    /// Reads the configuration.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    fn parse(request: &Request) -> Result<Self::Conf, Failure>;

    /// Looks for what the plan rests on. Neither DEL nor GC does: they work without it.
    ///
    /// # Errors
    /// Where something that the configuration names is not there.
    fn ground(conf: &Self::Conf, site: &mut Site) -> Result<Self::Ground, Failure>;

    /// The MAC that the container's end was asked to have.
    fn mac(conf: &Self::Conf) -> Option<Mac>;

    /// The host's link that containers are attached to.
    fn base<'a>(conf: &'a Self::Conf, ground: &'a Self::Ground) -> Base<'a>;

    /// The kinds of packet rules that the network needs.
    fn rules(_: &Self::Conf) -> Vec<RuleKind> {
        Vec::new()
    }

    /// Completes what IPAM gave.
    ///
    /// # Errors
    /// Where it is not enough.
    fn settle(conf: &Self::Conf, lease: Success) -> Result<Success, Failure>;

    /// The plan of an attachment. Without addresses in [`Wanted::result`] it makes the link and sets it up.
    fn plan(conf: &Self::Conf, ground: &Self::Ground, wanted: &Wanted) -> Plan;

    /// The interfaces of a result.
    fn interfaces(conf: &Self::Conf, ground: &Self::Ground, wanted: &Wanted, made: &Made) -> Vec<Interface>;
}

/// What of an attachment is on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The host end of a veth pair.
    Pair,
    /// Nothing: the link was made in the container.
    Inside,
    /// Nothing until the end: the link is the host's own, lent to the container.
    Lent,
}

impl Shape {
    /// What becomes of the container's link at the end.
    pub(super) fn fate(self) -> Fate {
        match self {
            Self::Pair | Self::Inside => Fate::Removed,
            Self::Lent => Fate::GivenBack,
        }
    }
}

/// The host's link that containers are attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base<'a> {
    /// None, or it is not on the host.
    None,
    /// The first ADD makes it.
    Made(&'a LinkName),
    /// It has to be there.
    Needed(&'a LinkName),
}

impl<'a> Base<'a> {
    /// Its name.
    pub(super) fn name(self) -> Option<&'a LinkName> {
        match self {
            Self::None => None,
            Self::Made(name) | Self::Needed(name) => Some(name),
        }
    }
}

/// When the machine is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before an attachment is made.
    Before,
    /// It stands, as ADD made it.
    After,
}

/// Where a policy may look.
pub(crate) struct Site<'a> {
    /// The call.
    pub(crate) request: &'a Request,
    /// The machine.
    pub(crate) host: &'a mut Host,
    /// The container; STATUS has none.
    pub(crate) container: Option<&'a Namespace>,
    /// Is there a link in it?
    pub(crate) moment: Moment,
}
