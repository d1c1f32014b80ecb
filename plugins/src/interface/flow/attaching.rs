//! An ADD that was read and may go on, and what it wants once IPAM has answered. Nothing is changed here.

use std::path::Path;

use cni::{Code, Failure, Request, Success};
use host::{Error, Host, Namespace};
use netstate::{Attachment, LinkName};

use super::{Ends, Policy, Wanted, owner};
use crate::failure::of;

/// What an ADD goes by.
pub(super) struct Attaching<P: Policy> {
    pub(super) conf: P::Conf,
    pub(super) owner: Attachment,
    pub(super) host: Host,
    pub(super) container: Namespace,
    link: LinkName,
}

impl<P: Policy> Attaching<P> {
    /// Reads the call, and refuses a second ADD.
    ///
    /// # Errors
    /// Code 7 for the configuration, 8 for the namespace, and what the kernel says.
    pub(super) fn begin(request: &Request) -> Result<Self, Failure> {
        let conf = P::parse(request)?;
        let owner = owner(request);
        let host = Host::open().map_err(of)?;
        let container = Namespace::open(netns(request)?).map_err(of)?;
        let link = interface(request)?;
        let mut attaching = Self { conf, owner, host, container, link };
        attaching.refuse_twice()?;
        Ok(attaching)
    }

    /// The lease, completed. It must be printable in the version asked for before anything is made: up to 0.2.0 a
    /// result needs an address.
    ///
    /// # Errors
    /// That it is not.
    pub(super) fn settle(&self, request: &Request, lease: Success) -> Result<Success, Failure> {
        let result = P::settle(&self.conf, lease);
        result.to_json(request.config.version)?;
        Ok(result)
    }

    /// What the plan is to be of.
    ///
    /// # Errors
    /// What the kernel says of the bridge.
    pub(super) fn wanted<'r>(&mut self, result: &'r Success) -> Result<Wanted<'r>, Failure> {
        Ok(Wanted {
            owner: self.owner.clone(),
            ends: Ends::new(&self.owner, self.link.clone(), P::mac(&self.conf), result),
            sandbox: self.container.path().display().to_string(),
            result,
            uplink: self.host.has_uplink(P::master(&self.conf)).map_err(of)?,
        })
    }

    /// "If the requested interface name already exists in the container, the plugin must return an error." Found out
    /// before IPAM is asked, whose lease a live container would otherwise lose to the DEL after the failure.
    fn refuse_twice(&mut self) -> Result<(), Failure> {
        if self.host.find_in(&self.container, &self.link).map_err(of)?.is_some() {
            return Err(of(Error::LinkExists { place: "the container", name: self.link.clone() }));
        }
        let end = self.owner.host_link();
        match self.host.find(&end).map_err(of)? {
            Some(_) => Err(of(Error::LinkExists { place: "the host", name: end })),
            None => Ok(()),
        }
    }
}

/// `CNI_NETNS`, which the skeleton has made sure of.
pub(crate) fn netns(request: &Request) -> Result<&Path, Failure> {
    request.netns.as_deref().ok_or_else(|| Failure {
        code: Code::InvalidEnvironment,
        msg: "required env variables [CNI_NETNS] missing".to_owned(),
        details: String::new(),
    })
}

/// `CNI_IFNAME`.
pub(super) fn interface(request: &Request) -> Result<LinkName, Failure> {
    LinkName::new(&request.ifname).map_err(|error| Failure {
        code: Code::InvalidEnvironment,
        msg: error.to_string(),
        details: request.ifname.clone(),
    })
}
