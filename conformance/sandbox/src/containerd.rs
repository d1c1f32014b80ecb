//! containerd, with the CRI by which a kubelet drives it.

use serde_json::Value;

use crate::{Daemon, Node, Output, Place, Runtime, cached};

/// The image that every containerd here has: busybox, which sleeps where no command is given.
pub const IMAGE: &str = "localhost/busybox:1";

/// containerd in a runtime's place, with plugins from `/opt/cni/bin` and the first conflist of `/etc/cni/net.d`.
#[derive(Debug)]
pub struct Containerd {
    daemon: Daemon,
    socket: String,
    runtime: Runtime,
}

impl Containerd {
    /// Starts it on the node itself, or on one of its machines, with the image in both of its namespaces.
    ///
    /// # Panics
    /// Where it doesn't come up.
    #[must_use]
    pub fn start(node: &Node, place: &impl Place) -> Self {
        let runtime = Runtime::new(node, place);
        let scratch = runtime.scratch().display().to_string();
        let socket = format!("{scratch}/containerd.sock");
        let config = format!("{scratch}/config.toml");
        runtime.within(|| node.write(&config, &configuration(&scratch, &socket)));
        let mut daemon = runtime.start("containerd", &["containerd", "--config", &config]);
        let version = ["ctr", "--address", &socket, "version"];
        daemon.until("containerd answers", || runtime.try_exec(&version).code == 0);
        let containerd = Self { daemon, socket, runtime };
        let image = cached("images/busybox.tar").display().to_string();
        for namespace in ["k8s.io", "default"] {
            containerd.ctr(&["-n", namespace, "image", "import", &image]);
        }
        containerd
    }

    /// The place that it runs in.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The path of its socket.
    #[must_use]
    pub fn socket(&self) -> &str {
        &self.socket
    }

    /// What it said so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.daemon.said()
    }

    /// `ctr …`, whatever comes of it.
    #[must_use]
    pub fn try_ctr(&self, words: &[&str]) -> Output {
        self.runtime.try_exec(&[&["ctr", "--address", &self.socket], words].concat())
    }

    /// `ctr …`, which must succeed.
    ///
    /// # Panics
    /// Where it doesn't.
    pub fn ctr(&self, words: &[&str]) -> String {
        let output = self.try_ctr(words);
        assert!(output.code == 0, "ctr {words:?}: {}\n{}", output.stderr, self.said());
        output.stdout
    }

    /// A call of the CRI, which must succeed.
    ///
    /// # Panics
    /// Where it doesn't.
    pub fn cri(&self, words: &[&str]) -> Value {
        let program = cached("cri").display().to_string();
        let output = self.runtime.try_exec(&[&[program.as_str(), &self.socket], words].concat());
        assert!(output.code == 0, "{words:?}: {}\n{}", output.stderr, self.said());
        serde_json::from_str(&output.stdout)
            .unwrap_or_else(|error| panic!("{words:?}: {error}: {}", output.stdout))
    }
}

/// Everything below the scratch directory, no privilege that a container in a container lacks, and our plugins.
fn configuration(scratch: &str, socket: &str) -> String {
    format!(
        r#"version = 2
root = "{scratch}/root"
state = "{scratch}/state"
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{scratch}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"
    max_conf_num = 1
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"#
    )
}
