//! The cluster and its nodes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sandbox::{
    ApiServer, ControlPlane, KubeNode, Lan, Launched, Machine, Node, Output, PATIENCE, Place, ProxyMode,
    Stopped, eventually,
};
use serde_json::{Value, json};

use crate::{Image, dual_stack};

/// The pods' networks: that of `deploy/trestle.yaml`, and the one by which its README makes it dual stack.
const PODS: &str = "10.244.0.0/16,fd42::/56";

/// The number, on the switch, of who is no node: the calling thread, by which the nodes' default routes lead.
const OUTSIDE: u8 = 254;

/// A cluster. Its first node carries the control plane too, so the API server reaches pods as it does where kubeadm has made a
/// cluster. All of it ends with the value, and what it was with the calling thread's [`Node`].
#[derive(Debug)]
pub struct Cluster<'node> {
    node: &'node Node,
    lan: Lan<'node>,
    image: Image,
    // Each needs those that follow.
    nodes: Vec<KubeNode>,
    plane: ControlPlane,
    api: ApiServer<'node>,
    machines: Vec<Machine>,
}

impl<'node> Cluster<'node> {
    /// A dual-stack cluster of one node per mode, `node1`, `node2`, … at `192.0.2.1` and `2001:db8::1`, `192.0.2.2` and
    /// `2001:db8::2`, …, none of which has a network yet.
    ///
    /// # Panics
    /// Where something doesn't come up.
    #[must_use]
    pub fn start(node: &'node Node, modes: &[ProxyMode]) -> Self {
        let image = Image::built();
        let lan = Lan::new(node, "lan0");
        let [v4, v6] = addresses(OUTSIDE);
        lan.route(&[&format!("{v4}/24"), &format!("{v6}/64")]);
        let first = machine(node, &lan, 1);
        let (api, plane) = first.within(|| {
            let api = ApiServer::at(node, addresses(1)[0], &[]);
            let plane = ControlPlane::start(&api, PODS);
            (api, plane)
        });
        let mut cluster = Self { node, lan, image, nodes: Vec::new(), plane, api, machines: vec![first] };
        // All start at once, which takes the time of one.
        let launched: Vec<Launched> =
            modes.iter().enumerate().map(|(index, mode)| cluster.launch(index, *mode)).collect();
        let Self { nodes, machines, api, .. } = &mut cluster;
        machines[0].within(|| nodes.extend(launched.into_iter().map(|one| one.registered(node, api))));
        nodes.iter_mut().for_each(KubeNode::wait_for_proxy);
        cluster
    }

    /// Starts the kubelet of one more node.
    fn launch(&mut self, index: usize, mode: ProxyMode) -> Launched {
        if index == self.machines.len() {
            let number = u8::try_from(index + 1).expect("a test has a few nodes");
            self.machines.push(machine(self.node, &self.lan, number));
        }
        let joining = &self.machines[index];
        self.control().within(|| {
            let stopped = Stopped::new(self.node, joining, mode);
            // Before the first Pod comes.
            self.image.import(stopped.containerd());
            stopped.launch_as(self.node, &self.api, joining.name())
        })
    }

    /// One more node, the next by number; it has a kubelet, and Pods come to it from now on. Hands back its index.
    ///
    /// # Panics
    /// Where something doesn't come up.
    pub fn join(&mut self, mode: ProxyMode) -> usize {
        let index = self.nodes.len();
        let launched = self.launch(index, mode);
        let mut node = self.control().within(|| launched.registered(self.node, &self.api));
        node.wait_for_proxy();
        self.nodes.push(node);
        index
    }

    /// The last node leaves: its kubelet and kube-proxy stop, its Node is deleted, and its containers run on.
    ///
    /// # Panics
    /// Where there is no node.
    #[must_use]
    pub fn leave(&mut self) -> Stopped {
        let leaving = self.nodes.pop().expect("a node is there");
        let name = leaving.name().to_owned();
        let stopped = leaving.stop();
        self.kubectl(&["delete", "node", &name]);
        stopped
    }

    /// It comes back as a Node of this name.
    ///
    /// # Panics
    /// Where something doesn't come up.
    pub fn come_back(&mut self, stopped: Stopped, name: &str) {
        let node = self.control().within(|| stopped.start_as(self.node, &self.api, name));
        self.nodes.push(node);
    }

    /// Installs Trestle by `kubectl apply`, for both families as `deploy/README.md` says, and waits until it works on every
    /// node.
    ///
    /// # Panics
    /// Where a node doesn't turn Ready.
    pub fn install(&self) {
        self.apply_text(&dual_stack());
        self.wait_ready();
    }

    /// `kubectl apply -f` of a manifest.
    ///
    /// # Panics
    /// Where the server refuses it.
    pub fn apply_text(&self, manifest: &str) {
        self.control().within(|| {
            let path = self.api.write("manifest.yaml", manifest);
            self.api.kubectl(&["apply", "-f", &path.display().to_string()]);
        });
    }

    /// Waits until every Node is Ready and every agent of the DaemonSet.
    ///
    /// # Panics
    /// Where one never is.
    pub fn wait_ready(&self) {
        self.wait(&["--for=condition=Ready", "nodes", "--all"]);
        self.wait_rolled_out("daemonset/routed-agent", "trestle");
    }

    /// Waits until all Pods of a DaemonSet or Deployment are those of its newest template, and available.
    ///
    /// # Panics
    /// Where that never comes.
    pub fn wait_rolled_out(&self, what: &str, namespace: &str) {
        self.until_succeeds(&["rollout", "status", what, "-n", namespace, "--timeout=20s"]);
    }

    /// Waits until a Pod with this label is Ready on every node: a DaemonSet has rolled out also where its controller has not
    /// seen a new node yet.
    ///
    /// # Panics
    /// Where that never comes.
    pub fn wait_everywhere(&self, app: &str) {
        for node in &self.nodes {
            let (label, here) =
                (format!("-l=app={app}"), format!("--field-selector=spec.nodeName={}", node.name()));
            self.wait(&["--for=condition=Ready", "pods", "-n=default", &label, &here]);
        }
    }

    /// `kubectl wait`, for as long as a loaded machine may take.
    ///
    /// # Panics
    /// Where it never comes.
    pub fn wait(&self, words: &[&str]) {
        self.until_succeeds(&[&["wait", "--timeout=20s"], words].concat());
    }

    fn until_succeeds(&self, words: &[&str]) {
        let came = eventually(PATIENCE * 15, || self.try_kubectl(words).code == 0);
        assert!(came, "kubectl {words:?}: {:?}\n{}", self.try_kubectl(words), self.state());
    }

    /// kubectl as one who may do everything; must succeed.
    ///
    /// # Panics
    /// Where it doesn't, with what it said.
    pub fn kubectl(&self, words: &[&str]) -> Output {
        self.control().within(|| self.api.kubectl(words))
    }

    /// kubectl, whatever comes of it.
    #[must_use]
    pub fn try_kubectl(&self, words: &[&str]) -> Output {
        self.control().within(|| self.api.try_kubectl(words))
    }

    /// What `kubectl get … -o=json` says.
    ///
    /// # Panics
    /// Where the server doesn't have it.
    #[must_use]
    pub fn get(&self, words: &[&str]) -> Value {
        let said = self.kubectl(&[&["get", "-o=json"], words].concat()).stdout;
        serde_json::from_str(&said).expect("kubectl prints JSON")
    }

    /// Creates or changes these objects to be as they are written here.
    ///
    /// # Panics
    /// Where the server refuses one.
    pub fn apply(&self, objects: &[Value]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        self.control().within(|| self.api.apply(&list));
    }

    /// Has every node take in an image of an older version, and says its name.
    ///
    /// # Panics
    /// Where there is none, or a node doesn't take it.
    #[must_use]
    pub fn import_older(&self) -> String {
        let older = self.image.older();
        let names: Vec<String> = self.nodes.iter().map(|node| older.import(node.containerd())).collect();
        names.into_iter().next().expect("a node is there")
    }

    /// The API server.
    #[must_use]
    pub fn api(&self) -> &ApiServer<'node> {
        &self.api
    }

    /// The machine of the control plane, where the API server's files are.
    #[must_use]
    pub fn control(&self) -> &Machine {
        &self.machines[0]
    }

    /// The nodes, in the order of their numbers.
    #[must_use]
    pub fn nodes(&self) -> &[KubeNode] {
        &self.nodes
    }

    /// The machines below the nodes. What runs in a machine sees its network and its files, not its runtime's processes.
    #[must_use]
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// What one looks at first when it fails.
    #[must_use]
    pub fn state(&self) -> String {
        let looks: [&[&str]; 3] = [
            &["get", "nodes,pods", "-A", "-o=wide"],
            &["get", "events", "-A", "--field-selector=type!=Normal"],
            &[
                "logs",
                "-n=trestle",
                "-l=app.kubernetes.io/name=routed-agent",
                "--all-containers",
                "--tail=20",
            ],
        ];
        let mut all: Vec<String> = looks
            .iter()
            .map(|words| self.try_kubectl(words))
            .map(|said| said.stdout + &said.stderr)
            .collect();
        self.control().within(|| {
            all.extend(self.nodes.iter().map(KubeNode::said));
            all.push(self.plane.said());
        });
        all.concat()
    }
}

/// A machine's addresses on the switch.
fn addresses(number: u8) -> [IpAddr; 2] {
    [
        Ipv4Addr::new(192, 0, 2, number).into(),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()).into(),
    ]
}

/// A machine on the switch, with the default routes without which it couldn't as much as ask for a Service.
fn machine(node: &Node, lan: &Lan, number: u8) -> Machine {
    let machine = node.machine(&format!("node{number}"));
    let [v4, v6] = addresses(number);
    lan.plug(&machine, "eth0", &[&format!("{v4}/24"), &format!("{v6}/64")]);
    for outside in addresses(OUTSIDE) {
        machine.exec(&["ip", "route", "add", "default", "via", &outside.to_string()]);
    }
    machine
}
