//! `cni.dev/valid-attachments`: what GC must leave alone (section "GC").

use serde::Deserialize;

/// The attachments that still exist, by what the runtime says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValidAttachments {
    /// The key is not there: the runtime did not say, so nothing may be removed.
    Absent,
    /// The key is `null`, as runtimes send it for an empty list: none exists.
    Null,
    /// These exist, and no others.
    List(Vec<ValidAttachment>),
}

/// One attachment that still exists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub struct ValidAttachment {
    /// Its `CNI_CONTAINERID`.
    #[serde(default, rename = "containerID")]
    pub container: String,
    /// Its `CNI_IFNAME`.
    #[serde(default)]
    pub ifname: String,
}

impl ValidAttachments {
    /// The attachments to be kept; absent where the runtime did not say.
    pub fn known(&self) -> Option<&[ValidAttachment]> {
        match self {
            Self::Absent => None,
            Self::Null => Some(&[]),
            Self::List(list) => Some(list),
        }
    }
}
