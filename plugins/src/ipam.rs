//! The IPAM plugin that a configuration names: as a delegate, or in this process where its file is this very build.

use std::net::IpAddr;
use std::os::unix::fs::FileExt;
use std::path::Path;

use cni::{Code, Coded, Delegate, Failure, Plugin, Request, Success};

use ::ipam::{Delegator, HostLocal, Lease};
use host::Host;
use host::executable::HEAD;
use host::files::{Purpose, open};
use host::life::Proof;
use netstate::{Attachment, LinkName};

use crate::failure;
use crate::interface::Shape;

/// Who gives the container its addresses.
pub(crate) enum Ipam {
    /// A program in `CNI_PATH`.
    Delegate(Delegate),
    /// Our own host-local: an administrator who puts another file of that name there gets that one.
    HostLocal,
    /// Our own plugin that keeps nothing on this host: it is called as any other, without a process.
    Ours(&'static dyn Plugin),
}

/// Which comes first, addresses or the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// IPAM gives addresses, or there is none, before the link is made.
    Before,
    /// IPAM asks for addresses by the container's link, which therefore has to be there, and up, before it.
    After,
}

impl Turn {
    /// That of the plugin that `ipam.type` names.
    pub(crate) fn of(request: &Request) -> Self {
        if request.config.ipam_kind().as_deref() == Some("dhcp") { Self::After } else { Self::Before }
    }
}

/// Our plugins that an ADD calls in its own process, beside host-local.
const OURS: &[&dyn Plugin] = &[&::ipam::Static];

/// What IPAM gave. To be kept until the attachment stands: a lease that is held is nobody's to heal.
pub(crate) struct Leased {
    /// The addresses, routes and name servers.
    pub(crate) success: Success,
    held: Option<Lease>,
}

impl Leased {
    /// What a network without IPAM has: nothing.
    pub(crate) fn nothing() -> Self {
        Self { success: Success::default(), held: None }
    }

    /// The proof of life that was taken on the way, of the link that [`Delegator::host_link`] named.
    pub(crate) fn proof(&self) -> Option<&Proof> {
        self.held.as_ref().map(|lease| &lease.proof)
    }
}

impl Ipam {
    /// The plugin that `ipam.type` names; none for a network without addresses.
    ///
    /// # Errors
    /// Where `CNI_PATH` holds no such plugin.
    pub(crate) fn of(request: &Request) -> Result<Option<Self>, Failure> {
        let Some(kind) = request.config.ipam_kind() else { return Ok(None) };
        let delegate = Delegate::find(&kind, request)?;
        let plugin = OURS.iter().find(|plugin| plugin.name() == kind);
        if (plugin.is_none() && kind != HostLocal.name()) || !is_this_build(delegate.program()) {
            return Ok(Some(Self::Delegate(delegate)));
        }
        Ok(Some(plugin.map_or(Self::HostLocal, |plugin| Self::Ours(*plugin))))
    }

    /// ADD; where it fails, DEL takes back what it may have done (section "Delegated plugins").
    ///
    /// # Errors
    /// The plugin's own.
    pub(crate) fn add(&self, request: &Request, shape: Shape) -> Result<Leased, Failure> {
        let added = match self {
            Self::Delegate(delegate) => delegate.add(request).map(|success| Leased { success, held: None }),
            Self::Ours(plugin) => plugin.add(request).map(|success| Leased { success, held: None }),
            Self::HostLocal => ::ipam::add(request, &mut Attaching(shape))
                .map(|lease| Leased { success: lease.success.clone(), held: Some(lease) }),
        };
        let leased = added.and_then(|leased| {
            let success = leased.success.require_ips()?;
            Ok(Leased { success, ..leased })
        });
        leased.inspect_err(|_| {
            // The failure of the ADD is what the runtime has to know.
            let _ = self.del(request);
        })
    }

    fn operate(
        &self,
        request: &Request,
        delegated: fn(&Delegate, &Request) -> Result<(), Failure>,
        own: fn(&dyn Plugin, &Request) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self {
            Self::Delegate(delegate) => delegated(delegate, request),
            Self::Ours(plugin) => own(*plugin, request),
            Self::HostLocal => own(&HostLocal, request),
        }
    }

    /// DEL.
    ///
    /// # Errors
    /// The plugin's own.
    pub(crate) fn del(&self, request: &Request) -> Result<(), Failure> {
        self.operate(request, Delegate::del, |plugin, request| plugin.del(request))
    }

    /// CHECK.
    ///
    /// # Errors
    /// The plugin's own.
    pub(crate) fn check(&self, request: &Request) -> Result<(), Failure> {
        self.operate(request, Delegate::check, |plugin, request| plugin.check(request))
    }

    /// GC.
    ///
    /// # Errors
    /// The plugin's own.
    pub(crate) fn gc(&self, request: &Request) -> Result<(), Failure> {
        self.operate(request, Delegate::gc, |plugin, request| plugin.gc(request))
    }

    /// STATUS.
    ///
    /// # Errors
    /// The plugin's own.
    pub(crate) fn status(&self, request: &Request) -> Result<(), Failure> {
        self.operate(request, Delegate::status, |plugin, request| plugin.status(request))
    }
}

/// What host-local has to know of who calls it.
struct Attaching(Shape);

impl Delegator for Attaching {
    fn host_link(&self, attachment: &Attachment) -> Option<LinkName> {
        (self.0 == Shape::Pair).then(|| attachment.host_link())
    }

    fn reap(&mut self, attachment: &Attachment, _: &[IpAddr]) -> Result<(), Failure> {
        Host::open().and_then(|mut host| host.reap(attachment)).map_err(failure::of)
    }
}

/// Gives back what host-local reserved and dhcp leased for containers that are provably gone, on every network.
///
/// # Errors
/// The first address that could not be given back.
pub(crate) fn release_dead() -> Result<(), Failure> {
    // Nobody is attached here.
    let addresses = ::ipam::release_dead(&mut Attaching(Shape::Inside));
    addresses.and(::ipam::dhcp::release_dead())
}

/// What IPAM would give, as far as that can be known without asking for it.
///
/// # Errors
/// The plugin's own, or that it can't be asked.
pub(crate) fn preview(request: &Request) -> Result<Success, Failure> {
    match Ipam::of(request)? {
        None => Ok(Success::default()),
        Some(Ipam::HostLocal) => ::ipam::preview(request),
        Some(Ipam::Ours(plugin)) => plugin.add(request),
        Some(Ipam::Delegate(_)) => Err(PreviewError(request.config.ipam_kind().unwrap_or_default()).into()),
    }
}

/// The specification has no operation that asks what an ADD would give.
#[derive(Debug, thiserror::Error)]
#[error("ipam.type: {0:?} can't be asked what it would give without giving it")]
struct PreviewError(String);

impl Coded for PreviewError {
    fn code(&self) -> Code {
        Code::UnsupportedField
    }
}

/// The header of an ELF note of type `NT_GNU_BUILD_ID` with an SHA-1: name size 4, value size 20, type 3, "GNU".
const BUILD_ID: [u8; 16] = [4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, b'G', b'N', b'U', 0];

/// Is the file a copy of the running program?
fn is_this_build(file: &Path) -> bool {
    let own = build_id(host::executable::own_head());
    own.is_some() && own == read_head(file).and_then(|head| build_id(&head))
}

fn read_head(file: &Path) -> Option<Vec<u8>> {
    let mut head = [0; HEAD];
    let length = open(file, Purpose::Read).ok()?.read_at(&mut head, 0).ok()?;
    Some(head[..length].to_vec())
}

fn build_id(head: &[u8]) -> Option<[u8; 20]> {
    let note = head.windows(BUILD_ID.len()).position(|window| window == BUILD_ID)?;
    head.get(note + BUILD_ID.len()..)?.first_chunk().copied()
}
