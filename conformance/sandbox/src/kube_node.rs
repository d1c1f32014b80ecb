//! A node of a real Kubernetes cluster: containerd, kubelet and kube-proxy on a machine.

mod kubelet;
mod proxy;

use std::fs;

use serde_json::Value;

use crate::{
    ApiServer, Attached, Containerd, Daemon, Machine, Node, Output, PATIENCE, Place, Pod, eventually,
};

pub use kubelet::CLUSTER_DNS;
pub use proxy::ProxyMode;

/// Where the library by which containerd calls plugins keeps what they said.
const RESULTS: &str = "/var/lib/cni/results";

/// The node. All of it ends with the value; the API server keeps its objects.
#[derive(Debug)]
pub struct KubeNode {
    name: String,
    // Each needs those that follow.
    proxy: Daemon,
    kubelet: Daemon,
    containerd: Containerd,
    addresses: Vec<String>,
    mode: ProxyMode,
}

/// A node whose kubelet has been started.
#[derive(Debug)]
pub struct Launched {
    name: String,
    // Needs what follows.
    kubelet: Daemon,
    stopped: Stopped,
}

/// A node without its kubelet and kube-proxy, on which containers run on.
#[derive(Debug)]
pub struct Stopped {
    containerd: Containerd,
    addresses: Vec<String>,
    mode: ProxyMode,
}

impl Stopped {
    /// containerd on a machine, and all that a kubelet will want there.
    ///
    /// # Panics
    /// Where it doesn't come up.
    #[must_use]
    pub fn new(node: &Node, machine: &Machine, mode: ProxyMode) -> Self {
        let containerd = Containerd::start(node, machine);
        kubelet::prepare(node, &containerd);
        Self { containerd, addresses: addresses(machine), mode }
    }

    /// containerd on it.
    #[must_use]
    pub fn containerd(&self) -> &Containerd {
        &self.containerd
    }

    /// Starts kubelet and kube-proxy as the Node of this name, and waits until they work.
    ///
    /// # Panics
    /// Where something doesn't come up.
    #[must_use]
    pub fn start_as(self, node: &Node, api: &ApiServer, name: &str) -> KubeNode {
        let mut started = self.launch_as(node, api, name).registered(node, api);
        started.wait_for_proxy();
        started
    }

    /// Starts the kubelet, and waits for nothing.
    #[must_use]
    pub fn launch_as(self, node: &Node, api: &ApiServer, name: &str) -> Launched {
        let kubelet = kubelet::start(node, api, &self.containerd, (name, &self.addresses));
        Launched { name: name.to_owned(), kubelet, stopped: self }
    }
}

impl Launched {
    /// Waits until the Node is registered, and starts its kube-proxy, which looks for it.
    ///
    /// # Panics
    /// Where it never is.
    #[must_use]
    pub fn registered(self, node: &Node, api: &ApiServer) -> KubeNode {
        let Self { name, mut kubelet, stopped: Stopped { containerd, addresses, mode } } = self;
        let created = ["wait", "--for=create", "--timeout=5s", &format!("node/{name}")];
        let registered = ["get", "node", &name, "-o=jsonpath={.status.addresses}"];
        kubelet.until("the Node is registered", || {
            api.try_kubectl(&created).code == 0 && api.try_kubectl(&registered).stdout.contains(&addresses[0])
        });
        let proxy = proxy::start(node, &containerd, (&name, mode));
        KubeNode { name, proxy, kubelet, containerd, addresses, mode }
    }
}

impl KubeNode {
    /// Starts it on a machine that reaches the API server, and waits until it is registered as the Node of the machine's
    /// name, at the machine's addresses on `device`.
    ///
    /// # Panics
    /// Where something doesn't come up.
    #[must_use]
    pub fn start(node: &Node, api: &ApiServer, machine: &Machine, mode: ProxyMode) -> Self {
        Stopped::new(node, machine, mode).start_as(node, api, machine.name())
    }

    /// Waits until kube-proxy has written its rules.
    ///
    /// # Panics
    /// Where it never does.
    pub fn wait_for_proxy(&mut self) {
        proxy::wait(&mut self.proxy, &self.containerd);
    }

    /// Stops kubelet and kube-proxy. What they have started runs on.
    ///
    /// # Panics
    /// Where they stay.
    #[must_use]
    pub fn stop(self) -> Stopped {
        let Self { proxy, kubelet, containerd, .. } = self;
        drop((proxy, kubelet));
        let left = ["pgrep", "-x", "kubelet|kube-proxy"];
        let gone = eventually(PATIENCE, || containerd.runtime().try_exec(&left).code == 1);
        assert!(gone, "{}: kubelet or kube-proxy stays", self.name);
        Stopped { containerd, addresses: self.addresses, mode: self.mode }
    }

    /// The Node's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// containerd on it.
    #[must_use]
    pub fn containerd(&self) -> &Containerd {
        &self.containerd
    }

    /// The pod of this name that the kubelet has started, once it is attached.
    ///
    /// # Panics
    /// Where that never comes.
    #[must_use]
    pub fn pod(&self, name: &str) -> Attached {
        let mut found = None;
        let came = eventually(PATIENCE * 3, || {
            found = self
                .attachments()
                .into_iter()
                .find(|one| one["cniArgs"].to_string().contains(&format!("[\"K8S_POD_NAME\",\"{name}\"]")));
            found.is_some()
        });
        assert!(came, "{}: no pod {name}\n{}", self.name, self.said());
        let attachment = found.unwrap_or_default();
        let id = attachment["containerId"].as_str().expect("an attachment is some container's");
        let netns = self.network(id).unwrap_or_else(|| panic!("{name}: container {id} has no network"));
        let pod = self.containerd.runtime().within(|| Pod::of_runtime(&netns));
        Attached::by(pod, &attachment["result"])
    }

    /// The name of a container's network namespace in the runtime's `/run/netns`.
    fn network(&self, id: &str) -> Option<String> {
        let told = self.containerd.ctr(&["-n", "k8s.io", "container", "info", id]);
        let told: Value = serde_json::from_str(&told).ok()?;
        let mut all = told["Spec"]["linux"]["namespaces"].as_array()?.iter();
        let path = all.find(|one| one["type"] == "network")?["path"].as_str()?;
        path.rsplit('/').next().map(str::to_owned)
    }

    /// Every attachment to a network beyond the pod's own `lo`.
    fn attachments(&self) -> Vec<Value> {
        self.containerd.runtime().within(|| {
            let files = fs::read_dir(RESULTS).into_iter().flatten().flatten();
            let read =
                |file: fs::DirEntry| serde_json::from_slice::<Value>(&fs::read(file.path()).ok()?).ok();
            files.filter_map(read).filter(|one| one["ifName"] != "lo").collect()
        })
    }

    /// What its programs said at last.
    #[must_use]
    pub fn said(&self) -> String {
        let all = [
            ("kubelet", self.kubelet.said()),
            ("kube-proxy", self.proxy.said()),
            ("containerd", self.containerd.said()),
        ];
        let last = |(name, said): &(&str, String)| {
            let lines: Vec<&str> = said.lines().collect();
            format!("--- {name}\n{}\n", lines[lines.len().saturating_sub(15)..].join("\n"))
        };
        all.iter().map(last).collect()
    }
}

impl Place for KubeNode {
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        self.containerd.runtime().within(work)
    }

    fn try_exec(&self, command: &[&str]) -> Output {
        self.containerd.runtime().try_exec(command)
    }
}

/// Where other machines reach this one, IPv4 first.
fn addresses(machine: &Machine) -> Vec<String> {
    let text = machine.exec(&["ip", "-j", "addr", "show", "up", "scope", "global"]).stdout;
    let links: Value = serde_json::from_str(&text).expect("ip -j prints JSON");
    let all = links.as_array().into_iter().flatten();
    let all = all.flat_map(|link| link["addr_info"].as_array().cloned().unwrap_or_default());
    let mut all: Vec<String> = all.filter_map(|one| one["local"].as_str().map(str::to_owned)).collect();
    all.sort_by_key(|address| address.contains(':'));
    all
}
