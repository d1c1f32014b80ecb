//! An ADD that was read and may go on, and what it wants once IPAM has answered. Nothing is changed here.

use cni::{Code, Failure, Request, Success};
use host::{Error, Host, Namespace};
use netstate::{Attachment, LinkName};

use super::{Ends, Moment, Policy, Shape, Site, Wanted};
use crate::call::{netns, owner};
use crate::failure::of;
use crate::ipam::Turn;

/// What an ADD goes by.
pub(super) struct Attaching<P: Policy> {
    pub(super) conf: P::Conf,
    pub(super) ground: P::Ground,
    pub(super) owner: Attachment,
    pub(super) host: Host,
    pub(super) container: Namespace,
    link: LinkName,
    pub(super) ipam: Turn,
}

impl<P: Policy> Attaching<P> {
    /// Reads the call, and refuses a second ADD.
    ///
    /// # Errors
    /// Code 7 for the configuration, 8 for the namespace, and what the kernel says.
    pub(super) fn begin(request: &Request) -> Result<Self, Failure> {
        let conf = P::parse(request)?;
        let owner = owner(request);
        let mut host = Host::open().map_err(of)?;
        let container = Namespace::open(netns(request)?).map_err(of)?;
        let link = interface(request)?;
        refuse_twice(&mut host, &container, &link)?;
        if P::SHAPE == Shape::Pair {
            refuse_end(&mut host, &owner)?;
        }
        let mut site = Site { request, host: &mut host, container: Some(&container), moment: Moment::Before };
        let ground = P::ground(&conf, &mut site)?;
        Ok(Self { conf, ground, owner, host, container, link, ipam: Turn::of(request) })
    }

    /// The lease, completed. It must be printable in the version asked for before anything is made: up to 0.2.0 a
    /// result needs an address.
    ///
    /// # Errors
    /// That it is not.
    pub(super) fn settle(&self, request: &Request, lease: Success) -> Result<Success, Failure> {
        let result = P::settle(&self.conf, lease)?;
        result.to_json(request.config.version)?;
        Ok(result)
    }

    /// What the plan is to be of.
    pub(super) fn wanted<'r>(&self, result: &'r Success) -> Wanted<'r> {
        // Of two plans of one attachment, the first knows no address, and the MAC has to be the same.
        let known = match self.ipam {
            Turn::Before => &result.ips[..],
            Turn::After => &[],
        };
        Wanted {
            owner: self.owner.clone(),
            ends: Ends::new(&self.owner, self.link.clone(), P::mac(&self.conf), known),
            sandbox: self.container.path().display().to_string(),
            result,
        }
    }
}

/// "If the requested interface name already exists in the container, the plugin must return an error." Found out
/// before IPAM is asked, whose lease a live container would otherwise lose to the DEL after the failure.
fn refuse_twice(host: &mut Host, container: &Namespace, link: &LinkName) -> Result<(), Failure> {
    match host.find_in(container, link).map_err(of)? {
        Some(_) => Err(of(Error::LinkExists { place: "the container", name: link.clone() })),
        None => Ok(()),
    }
}

/// The same for the host end.
fn refuse_end(host: &mut Host, owner: &Attachment) -> Result<(), Failure> {
    let end = owner.host_link();
    match host.find(&end).map_err(of)? {
        Some(_) => Err(of(Error::LinkExists { place: "the host", name: end })),
        None => Ok(()),
    }
}

/// `CNI_IFNAME`.
pub(super) fn interface(request: &Request) -> Result<LinkName, Failure> {
    LinkName::new(&request.ifname).map_err(|error| Failure {
        code: Code::InvalidEnvironment,
        msg: error.to_string(),
        details: request.ifname.clone(),
    })
}
