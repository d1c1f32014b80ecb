//! `cni restore`: for a firewall service to call after it flushed the ruleset.
//!
//! stdout has one line: `rules of <number> attachments stand`.

use std::path::Path;

use host::Host;

use super::Said;
use crate::failure;

/// Rules of every live attachment.
pub(super) fn run(_: &[&Path]) -> Said {
    match Host::open().and_then(|mut host| host.restore()) {
        Ok(number) => Said { text: format!("rules of {number} attachments stand\n"), ..Said::default() },
        Err(error) => Said { failure: Some(failure::of(error)), ..Said::default() },
    }
}
