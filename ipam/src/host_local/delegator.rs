//! Who runs host-local: an interface plugin in its own process, or nobody but the environment.

use std::net::IpAddr;

use cni::Failure;
use netstate::{Attachment, LinkName};

/// The plugin that delegates to host-local, as far as host-local needs to know it.
pub trait Delegator {
    /// The host end of an attachment's link, where its name is known before it is made and it lives exactly as long as
    /// the container's network namespace (a veth pair). On a kernel without handles of namespaces, its absence proves
    /// later that the container is gone.
    fn host_link(&self, attachment: &Attachment) -> Option<LinkName>;

    /// Takes away what an attachment, whose container is provably gone, left in the kernel (rules, links), so that its
    /// addresses can be given to another. What isn't there is no error.
    ///
    /// # Errors
    /// Where something is left; the addresses then stay reserved.
    fn reap(&mut self, attachment: &Attachment, addresses: &[IpAddr]) -> Result<(), Failure>;
}
