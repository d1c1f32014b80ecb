//! flannel on a cluster, as people have it: flanneld and its plugin in an image, the reference plugins on the node.

use std::path::{Path, PathBuf};

use sandbox::{Place, cached};

use crate::{Cluster, Image};

/// What its plugin delegates to and what its conflist chains, as the nodes' own packages bring them.
const REFERENCE: [&str; 4] = ["bridge", "host-local", "loopback", "portmap"];

/// flannel's manifest, whose file the administrator has.
#[must_use]
pub fn flannels_manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kube-flannel.yml")
}

impl Cluster<'_> {
    /// Puts onto each node what it needs before flannel may come: the image, and the reference plugins.
    ///
    /// # Panics
    /// Where a node refuses them.
    pub fn prepare_for_flannel(&self) {
        let plugins = REFERENCE.map(|name| cached("plugins-1.9.1").join(name).display().to_string());
        let image = Image::flannels();
        for node in self.nodes() {
            let words = [&["cp"], &plugins.each_ref().map(String::as_str)[..], &["/opt/cni/bin/"]].concat();
            node.exec(&words);
            image.import(node.containerd());
        }
    }

    /// Installs flannel: `kubectl apply -f kube-flannel.yml`, and waits until it works on every node.
    ///
    /// # Panics
    /// Where a node doesn't turn Ready.
    pub fn install_flannel(&self) {
        self.kubectl(&["apply", "-f", &flannels_manifest().display().to_string()]);
        self.wait(&["--for=condition=Ready", "nodes", "--all"]);
        self.wait_rolled_out("daemonset/kube-flannel-ds", "kube-flannel");
    }
}
