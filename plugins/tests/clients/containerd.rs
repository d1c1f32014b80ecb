//! containerd's CRI: what the kubelet does to a pod.

use sandbox::{Node, PATIENCE, Place, Snapshot, cached, eventually};
use serde_json::Value;

use crate::network::{configure, install, shipped, standing};
use crate::runtime::Runtime;

pub(crate) const IMAGE: &str = "localhost/busybox:1";

/// containerd in a runtime's place, with the image in both of its namespaces.
pub(crate) struct Containerd {
    pub(crate) runtime: Runtime,
    pub(crate) socket: String,
}

impl Containerd {
    pub(crate) fn start(node: &Node) -> Self {
        let runtime = Runtime::new(node);
        let scratch = runtime.scratch.path().display().to_string();
        let socket = format!("{scratch}/containerd.sock");
        let config = format!("{scratch}/config.toml");
        node.write(&config, &configuration(&scratch, &socket));
        runtime.start(&["containerd", "--config", &config]);
        let containerd = Self { runtime, socket };
        let up = eventually(PATIENCE, || containerd.try_ctr(&["version"]));
        assert!(up, "containerd does not come up:\n{}", containerd.runtime.said());
        let image = cached("images/busybox.tar").display().to_string();
        for namespace in ["k8s.io", "default"] {
            containerd.ctr(&["-n", namespace, "image", "import", &image]);
        }
        containerd
    }

    fn command<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        ["ctr", "--address", &self.socket].into_iter().chain(words.iter().copied()).collect()
    }

    fn try_ctr(&self, words: &[&str]) -> bool {
        self.runtime.try_exec(&self.command(words)).code == 0
    }

    /// `ctr …`, which must succeed.
    pub(crate) fn ctr(&self, words: &[&str]) -> String {
        self.runtime.exec(&self.command(words)).stdout
    }

    /// A call of the CRI, which must succeed.
    fn cri(&self, words: &[&str]) -> Value {
        let program = cached("cri").display().to_string();
        let command: Vec<&str> =
            [program.as_str(), &self.socket].into_iter().chain(words.iter().copied()).collect();
        let output = self.runtime.try_exec(&command);
        assert!(output.code == 0, "{words:?}: {}\n{}", output.stderr, self.runtime.said());
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

#[test]
fn two_pods_of_the_cri_reach_each_other_and_leave_nothing() {
    let node = Node::enter();
    install(&node);
    configure(&node, "10-trestle", &shipped("1.0.0/10-trestle-dual-stack"));
    configure(&node, "99-loopback", &shipped("1.0.0/99-loopback"));
    let containerd = Containerd::start(&node);
    let ready = eventually(PATIENCE, || {
        let conditions = containerd.cri(&["status"]);
        conditions.as_array().is_some_and(|all| all.len() == 2 && all.iter().all(|one| one["status"] == true))
    });
    assert!(ready, "{}", containerd.cri(&["status"]));

    let before = Snapshot::take(&node);
    let cgroup = format!("/{}", containerd.runtime.cgroup());
    let pods = ["a", "b"].map(|name| containerd.cri(&["run", name, IMAGE, &cgroup]));
    let word = |pod: usize, key: &str| pods[pod][key].as_str().unwrap_or_default().to_owned();
    let addresses = pods[0]["addresses"].as_array().cloned().unwrap_or_default();
    assert_eq!(addresses.len(), 2, "{pods:?}");
    for address in addresses.iter().filter_map(Value::as_str).chain(["10.88.0.1", "fd88::1", "127.0.0.1"]) {
        let reached = eventually(PATIENCE, || {
            containerd.cri(&["exec", &word(1, "container"), "ping", "-c1", "-W1", address])["code"] == 0
        });
        assert!(reached, "pod b does not reach {address}");
    }
    for pod in [0, 1] {
        containerd.cri(&["stop", &word(pod, "pod")]);
        containerd.cri(&["remove", &word(pod, "pod")]);
    }
    before.forgiving(&standing("cni0")).assert_same(&Snapshot::take(&node));
}
