//! The one flow of every chained plugin: what differs between them is a [`Policy`].
//!
//! A chained plugin makes adjustments (`netstate::Adjustment`), and nothing else that outlives the attachment. What each
//! kind is to the kernel says `host::adjustment`; here is when it is made, remembered, compared and taken away.

mod attach;
mod attaching;
mod check;
mod detach;
mod garbage;
mod preview;
mod status;

pub(crate) use preview::preview;

use cni::{Failure, Plugin, Request, Success, Version};
use host::record::Keeper;
use host::{Host, Namespace};
use netstate::{Adjustment, Attachment, LinkName, Plan};

/// What one plugin decides.
pub(crate) trait Policy {
    /// The plugin's name.
    const NAME: &'static str;
    /// Whose records it keeps.
    const KEEPER: Keeper;
    /// Its configuration, parsed.
    type Conf;
    /// What its plan depends on beside the configuration and prevResult; `()` for most.
    type Seen;

    /// The versions that it supports.
    fn versions() -> &'static [Version] {
        Version::ALL
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    fn parse(request: &Request) -> Result<Self::Conf, Failure>;

    /// Does the configuration ask for nothing at all, as that of a portmap without ports? Then ADD and CHECK do nothing.
    fn is_idle(_: &Self::Conf) -> bool {
        false
    }

    /// Looks at the machine for what the plan depends on, and changes nothing. Others who adjust the same container wait
    /// meanwhile, and until the plan is applied.
    ///
    /// # Errors
    /// Where the kernel can't be read, or what is there makes the ADD impossible.
    fn look(conf: &Self::Conf, wanted: &Wanted, machine: &mut Machine) -> Result<Self::Seen, Failure>;

    /// The plan of an attachment. Pure. What CHECK expects is the plan of the same configuration and result.
    ///
    /// # Errors
    /// Code 7, where configuration and prevResult don't go together.
    fn plan(conf: &Self::Conf, wanted: &Wanted, seen: &Self::Seen) -> Result<Plan, Failure>;

    /// The result: prevResult, and what the plugin changed about it.
    fn result(_: &Self::Conf, wanted: &Wanted) -> Success {
        wanted.result.clone()
    }

    /// STATUS: is there what an ADD would need?
    ///
    /// # Errors
    /// Code 50, and what is missing.
    fn status(_: &Self::Conf, _: &mut Host) -> Result<(), Failure> {
        Ok(())
    }

    /// STATUS: does anything keep these adjustments of running containers from having their effect?
    ///
    /// # Errors
    /// Code 51, and what.
    fn heard(_: &mut Host, _: &[Adjustment]) -> Result<(), Failure> {
        Ok(())
    }

    /// CHECK of an attachment that has no record: what of its adjustments is amiss, where the reference made them. `None`
    /// where it left nothing by which that could be told; then the plan is compared as ever.
    ///
    /// # Errors
    /// Where the machine can't be read.
    fn compare_unrecorded(
        _: &Self::Conf,
        _: &Wanted,
        _: &mut Machine,
    ) -> Result<Option<Vec<String>>, Failure> {
        Ok(None)
    }

    /// DEL of an attachment that has no record: takes away what bears its mark, and what the reference made for it.
    /// Gathers what fails. The configuration may be broken, prevResult and the namespace gone.
    fn remove_unrecorded(_: &Leaving, _: &mut Host) -> Vec<Failure> {
        Vec::new()
    }

    /// GC of what no record tells of: removes what bears the mark of the network, but not that of the attachments
    /// `kept`. Gathers what fails.
    fn remove_strays(_: &Request, _: &mut Host, _kept: &[Attachment]) -> Vec<Failure> {
        Vec::new()
    }
}

/// What a plan needs to know beside the configuration.
pub(crate) struct Wanted<'a> {
    /// Whose attachment it is.
    pub(crate) owner: Attachment,
    /// `CNI_IFNAME`.
    pub(crate) link: LinkName,
    /// prevResult.
    pub(crate) result: &'a Success,
}

/// The machine, as [`Policy::look`] may see it.
pub(crate) struct Machine<'a> {
    /// The host.
    pub(crate) host: &'a mut Host,
    /// The container.
    pub(crate) container: &'a Namespace,
    /// What this plugin has adjusted for this attachment already: in CHECK, what ADD made; in ADD, what the same plugin
    /// made that stands in the list twice, or an ADD that was killed.
    pub(crate) recorded: &'a [Adjustment],
}

/// An attachment that has no record and is to go.
pub(crate) struct Leaving<'a> {
    /// The call.
    pub(crate) request: &'a Request,
    /// Whose.
    pub(crate) owner: Attachment,
    /// Its container, if that is still there.
    pub(crate) container: Option<Namespace>,
}

/// A chained plugin: the flow with a policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flow<P>(pub(crate) P);

impl<P: Policy> Plugin for Flow<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn versions(&self) -> &'static [Version] {
        P::versions()
    }

    fn add(&self, request: &Request) -> Result<Success, Failure> {
        attach::add::<P>(request)
    }

    fn del(&self, request: &Request) -> Result<(), Failure> {
        detach::del::<P>(request)
    }

    fn check(&self, request: &Request) -> Result<(), Failure> {
        check::check::<P>(request)
    }

    fn gc(&self, request: &Request) -> Result<(), Failure> {
        garbage::gc::<P>(request)
    }

    fn status(&self, request: &Request) -> Result<(), Failure> {
        status::status::<P>(request)
    }
}
