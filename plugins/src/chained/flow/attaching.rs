//! An ADD or CHECK that was read and may go on. Nothing is changed here.

use cni::{Code, Coded, Failure, Request, Success};
use host::{Host, Namespace};
use netstate::{Adjustment, LinkName, Plan};

use super::{Machine, Policy, Wanted};
use crate::call::{netns, owner};
use crate::failure::of;

/// A call that can't be served.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// It stands first in the list, or alone.
    #[error("prevResult: required, but missing: {0} must be called as a chained plugin")]
    NoPrevResult(&'static str),
    /// `CNI_IFNAME` is no interface's name.
    #[error("CNI_IFNAME: {0:?}: {1}")]
    Interface(String, netstate::LinkNameError),
}

impl Coded for CallError {
    fn code(&self) -> Code {
        match self {
            Self::NoPrevResult(_) => Code::InvalidConfig,
            Self::Interface(..) => Code::InvalidEnvironment,
        }
    }
}

/// What prevResult says.
///
/// # Errors
/// Code 7 where there is none, or none that can be read.
pub(super) fn prev_result<P: Policy>(request: &Request) -> Result<Success, Failure> {
    Ok(request.config.prev_result()?.ok_or(CallError::NoPrevResult(P::NAME))?)
}

/// What an ADD or CHECK goes by.
pub(super) struct Attaching<'a, P: Policy> {
    pub(super) conf: &'a P::Conf,
    pub(super) wanted: Wanted<'a>,
    pub(super) host: Host,
    pub(super) container: Namespace,
}

impl<'a, P: Policy> Attaching<'a, P> {
    /// Opens what the plan is made from.
    ///
    /// # Errors
    /// Code 8 for the namespace, and what the kernel says.
    pub(super) fn begin(request: &Request, conf: &'a P::Conf, result: &'a Success) -> Result<Self, Failure> {
        let link = LinkName::new(&request.ifname)
            .map_err(|error| CallError::Interface(request.ifname.clone(), error))?;
        let container = Namespace::open(netns(request)?).map_err(of)?;
        let host = Host::open().map_err(of)?;
        Ok(Self { conf, wanted: Wanted { owner: owner(request), link, result }, host, container })
    }

    /// The plan, where `recorded` is what this plugin has adjusted already.
    ///
    /// # Errors
    /// The policy's.
    pub(super) fn plan(&mut self, recorded: &[Adjustment]) -> Result<Plan, Failure> {
        let mut machine = Machine { host: &mut self.host, container: &self.container, recorded };
        let seen = P::look(self.conf, &self.wanted, &mut machine)?;
        P::plan(self.conf, &self.wanted, &seen)
    }
}
