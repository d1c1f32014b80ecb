//! What a call says of its attachment, whichever plugin it is for.

use std::path::Path;

use cni::{Code, Failure, Request};
use netstate::Attachment;

/// Who it is about.
pub(crate) fn owner(request: &Request) -> Attachment {
    Attachment {
        network: request.config.name.clone(),
        container: request.container.clone(),
        ifname: request.ifname.clone(),
    }
}

/// `CNI_NETNS`, which the skeleton has made sure of.
///
/// # Errors
/// Code 4 without it.
pub(crate) fn netns(request: &Request) -> Result<&Path, Failure> {
    request.netns.as_deref().ok_or_else(|| Failure {
        code: Code::InvalidEnvironment,
        msg: "required env variables [CNI_NETNS] missing".to_owned(),
        details: String::new(),
    })
}
