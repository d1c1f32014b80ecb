//! flanneld on this machine: whether it works, and what it left that nobody uses any more.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use netstate::Fabric;

use crate::error::Error;
use crate::machine::Host;
use crate::nftables::LeftByFlanneld;

/// The name of its process.
const COMMAND: &str = "flanneld\n";

/// A thread's network namespace.
const NETWORK: &str = "/proc/thread-self/ns/net";

impl Host {
    /// Removes flanneld's packet rules. Ours must be there already.
    ///
    /// # Errors
    /// What `nf_tables` says, or iptables.
    pub fn remove_flannelds_rules(&mut self) -> Result<LeftByFlanneld, Error> {
        self.nftables.remove_flanneld()
    }

    /// Removes flanneld's VXLAN devices that are not in the fabric and that no route leads over. Tells their names.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn remove_flannelds_tunnels(&mut self, fabric: &Fabric) -> Result<Vec<String>, Error> {
        crate::fabric::remove_flannelds_tunnels(self, fabric)
    }
}

/// The process of a flanneld that works in the calling thread's network namespace, as far as such processes can be seen:
/// from a pod they can't. Who has more capabilities than the caller lets nobody see his namespace (`ptrace(2)`): he counts
/// as here, for what he made must not be touched.
pub fn working() -> Option<u32> {
    let network = fs::read_link(NETWORK).ok()?;
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.find(|number| {
        let of = |file: &str| Path::new("/proc").join(number.to_string()).join(file);
        fs::read_to_string(of("comm")).is_ok_and(|command| command == COMMAND)
            && match fs::read_link(of("ns/net")) {
                Ok(theirs) => theirs == network,
                Err(error) => error.kind() == ErrorKind::PermissionDenied,
            }
    })
}
