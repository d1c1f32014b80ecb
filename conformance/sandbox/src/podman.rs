//! What podman has to be told on a test's node.

use std::path::Path;

use crate::{Node, Runtime};

/// No limit or sysctl that this machine forbids, a log without a journal, containers by `runc`, networks by CNI.
const CONTAINERS: &str = r#"[containers]
default_ulimits = []
default_sysctls = []
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
[network]
network_backend = "cni"
cni_plugin_dirs = ["/opt/cni/bin"]
network_config_dir = "/etc/cni/net.d"
"#;

/// Writes `containers.conf` and `storage.conf` into `directory`: podman as these tests have it, its images and layers in the
/// runtime's own place. Call it where podman will look, which is `/etc/containers`, or where its environment says.
pub fn configure_podman(node: &Node, runtime: &Runtime, directory: &Path) {
    let scratch = runtime.scratch().display();
    node.write(directory.join("containers.conf"), CONTAINERS);
    node.write(
        directory.join("storage.conf"),
        &format!("[storage]\ndriver = \"overlay\"\ngraphroot = \"{scratch}/storage\"\nrunroot = \"{scratch}/run\"\n"),
    );
}
