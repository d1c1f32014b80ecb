//! The attachment: one container's interface on one network (CNI specification, section "Terminology").

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

use crate::{LinkName, Mac};

/// Who owns a link, an address or a rule. (`container`, `ifname`) is unique on a node; the network says which
/// configuration made it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attachment {
    /// The network's `name`.
    pub network: String,
    /// `CNI_CONTAINERID`.
    pub container: String,
    /// `CNI_IFNAME`.
    pub ifname: String,
}

impl Attachment {
    /// The host end of this attachment's veth pair: `veth` and 11 hexadecimal digits, so that DEL finds it without
    /// the container's namespace, and `NetworkManager` and dhcpcd leave it alone (they match `veth*`).
    ///
    /// # Panics
    /// Never: 15 bytes of `[a-z0-9]` are a valid name.
    pub fn host_link(&self) -> LinkName {
        LinkName::new(&format!("veth{}", &self.hex(0)[..11])).expect("veth and 11 hexadecimal digits")
    }

    /// The MAC of the host end: locally administered, from the same digest.
    pub fn host_mac(&self) -> Mac {
        self.mac(6)
    }

    /// The MAC of the container's end where no IPv4 address gives one.
    pub fn container_mac(&self) -> Mac {
        self.mac(11)
    }

    /// The MAC of the device that the attachment's traffic queues at.
    pub(crate) fn queue_mac(&self) -> Mac {
        self.mac(16)
    }

    /// A name for files and comments: 32 hexadecimal digits, the same for the same attachment on every machine.
    pub fn key(&self) -> String {
        self.hex(16)
    }

    fn mac(&self, from: usize) -> Mac {
        let mut bytes = [0; 5];
        bytes.copy_from_slice(&self.digest()[from..from + 5]);
        Mac::local(bytes)
    }

    /// 16 bytes of the digest.
    fn hex(&self, from: usize) -> String {
        let mut hex = String::with_capacity(32);
        for byte in &self.digest()[from..from + 16] {
            // Writing to a String can't fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// Not the network: an interface name is unique in its container, whatever network it is on.
    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.container.as_bytes());
        hash.update([0]);
        hash.update(self.ifname.as_bytes());
        hash.finalize().into()
    }
}

impl fmt::Display for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.network, self.container, self.ifname)
    }
}
