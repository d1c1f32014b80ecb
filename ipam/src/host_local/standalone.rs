//! host-local as a program of its own.

use std::net::IpAddr;

use cni::Failure;
use netstate::{Attachment, LinkName};

use super::delegator::Delegator;

/// Nobody runs host-local in their process. It does not know which interface plugin called it, so it can't name a
/// link.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standalone;

impl Delegator for Standalone {
    fn host_link(&self, _: &Attachment) -> Option<LinkName> {
        None
    }

    fn reap(&mut self, _: &Attachment, _: &[IpAddr]) -> Result<(), Failure> {
        Ok(())
    }
}
