//! An attachment of flannel's that another plugin deletes: since the ADD the network's configuration names that one, as on a
//! node that our agent took over, and the runtime deletes by what it reads now. Nobody else would remove what was saved.

use cni::{Failure, Request};

use super::saved::Files;

/// Forgets what was saved of a network's attachment that is deleted. Where flannel has called, it finds that done.
///
/// # Errors
/// Where the disk says no.
pub(crate) fn forget(request: &Request) -> Result<(), Failure> {
    let files = Files::where_flannel_keeps_them(request);
    match files.read()? {
        Some(found) if found.is_of_network(&request.config.name) => Ok(files.remove()?),
        _ => Ok(()),
    }
}
