//! `cni restore`: for a firewall service to call after it flushed the ruleset.

use std::path::Path;

use cni::Failure;
use host::Host;
use host::record::Records;

use crate::failure;

/// Rules of every live attachment.
pub(super) fn run(_: &[&Path]) -> Result<String, Failure> {
    let restored = Records::of_this_boot().and_then(|records| Host::open()?.restore(&records));
    let attachments = restored.map_err(failure::of)?;
    Ok(format!("rules of {attachments} attachments stand\n"))
}
