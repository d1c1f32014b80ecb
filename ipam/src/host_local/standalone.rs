//! host-local as a program of its own.

use std::net::IpAddr;

use cni::{Code, Coded, Failure};
use host::Host;
use netstate::{Attachment, LinkName};

use super::delegator::Delegator;

/// Nobody runs host-local in their process. It does not know which interface plugin called it, so it can't name a
/// link; but ours keep records of what they made, by which it is taken away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standalone;

/// What a dead attachment left can't be taken away.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct ReapError(#[from] host::Error);

impl Coded for ReapError {
    fn code(&self) -> Code {
        Code::Internal
    }
}

impl Delegator for Standalone {
    fn host_link(&self, _: &Attachment) -> Option<LinkName> {
        None
    }

    fn reap(&mut self, attachment: &Attachment, _: &[IpAddr]) -> Result<(), Failure> {
        let reaped = Host::open().and_then(|mut host| host.reap(attachment));
        Ok(reaped.map_err(ReapError)?)
    }
}
