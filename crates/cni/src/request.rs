//! One call of a plugin: the parameters and the configuration, checked.

use std::path::PathBuf;

use crate::{Command, Config};

/// What a runtime asks of a plugin (section 2, "Parameters"). Parameters that an operation does not have are empty:
/// GC and STATUS know no container.
#[derive(Debug, Clone)]
pub struct Request {
    /// `CNI_COMMAND`.
    pub command: Command,
    /// `CNI_CONTAINERID`.
    pub container: String,
    /// `CNI_IFNAME`: a name that the kernel takes, where the operation has one.
    pub ifname: String,
    /// `CNI_NETNS`: the path of the container's network namespace. Absent where empty, which a DEL may be after a reboot.
    pub netns: Option<PathBuf>,
    /// `CNI_ARGS` as given, to be read with [`crate::args`].
    pub args: String,
    /// `CNI_PATH`: the directories in which delegates are looked up.
    pub path: Vec<PathBuf>,
    /// The network configuration.
    pub config: Config,
    /// The same as the runtime wrote it: a delegate gets these bytes.
    pub stdin: Vec<u8>,
}
