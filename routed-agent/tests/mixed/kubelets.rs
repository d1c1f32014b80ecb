//! Kubelets on two nodes of three, which find their network by our conflist.

use sandbox::{Allowed, Attached, IMAGE, KubeNode, Node, PATIENCE, Place, ProxyMode, Snapshot, eventually};
use serde_json::{Value, json};

use crate::cluster::{Cluster, SERVER, Shape};
use crate::reach::all_reach_all;

/// What serves every pod with a port of the host, and stays.
const STANDING: [Allowed; 1] = [Allowed::RulesOf("trestle")];

/// What nodes know of each other, and say to each other, to the API server and to themselves. It is nobody's pod.
const OF_NODES: [Allowed; 4] = [
    Allowed::Containing("\"dev\":\"eth0\",\"lladdr\""),
    Allowed::Containing(" src=192.0.2."),
    Allowed::Containing(" src=2001:db8::"),
    Allowed::Containing(" src=127.0.0.1 "),
];

/// The cluster, and what Kubernetes runs on its first two nodes.
pub(crate) struct Kubelets<'node> {
    // They end before the server.
    pub(crate) nodes: Vec<KubeNode>,
    pub(crate) cluster: Cluster<'node>,
}

impl<'node> Kubelets<'node> {
    /// Kubelets that know of no network, and a third node that has none.
    fn new(node: &'node Node, shape: Shape, mode: ProxyMode) -> Self {
        let cluster = Cluster::without_nodes(node, shape);
        // A controller manager would make it.
        cluster.api.kubectl(&["create", "serviceaccount", "-n=default", "default"]);
        cluster.join(3, "node3", 3);
        for number in [1, 2] {
            cluster.member(number).route_by(SERVER);
        }
        let start = |number| KubeNode::start(node, &cluster.api, &cluster.member(number).machine, mode);
        Self { nodes: [1, 2].map(start).into(), cluster }
    }

    /// The same with a network on every node.
    pub(crate) fn connected(node: &'node Node, shape: Shape, mode: ProxyMode) -> Self {
        let mut kubelets = Self::new(node, shape, mode);
        kubelets.connect();
        kubelets
    }

    /// Gives the kubelets' Nodes their subnets, as a controller manager does, and starts every agent.
    fn connect(&mut self) {
        for number in [1, 2] {
            let subnets = self.cluster.shape.subnets(number);
            let patch = json!({"spec": {"podCIDR": subnets[0], "podCIDRs": subnets}}).to_string();
            self.cluster.api.kubectl(&["patch", "node", &format!("node{number}"), "-p", &patch]);
        }
        self.cluster.start_agents(&[1, 2, 3]);
        for name in ["node1", "node2"] {
            self.cluster.wait_condition(name, "Ready", "True");
            // Its token's Pod, which the kubelet runs too.
            self.wait_running("trestle", &format!("routed-agent-{name}"));
        }
    }

    /// Has the kubelet of a node run a pod that sleeps, and waits for it.
    pub(crate) fn pod(&self, number: u8, name: &str) -> Attached {
        self.pod_with(number, name, &json!([]))
    }

    /// The same with a container's `ports`.
    pub(crate) fn pod_with(&self, number: u8, name: &str, ports: &Value) -> Attached {
        self.create(number, name, ports);
        self.started(number, name)
    }

    /// Asks the kubelet of a node for a pod.
    pub(crate) fn create(&self, number: u8, name: &str, ports: &Value) {
        self.cluster.api.apply(&json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "nodeName": format!("node{number}"),
                "automountServiceAccountToken": false,
                "terminationGracePeriodSeconds": 1,
                "containers": [{
                    "name": "main", "image": IMAGE, "imagePullPolicy": "Never",
                    "command": ["sh", "-c", "echo here; exec sleep infinity"],
                    "ports": ports,
                }],
            },
        }));
    }

    /// Waits for a pod that was asked for.
    pub(crate) fn started(&self, number: u8, name: &str) -> Attached {
        let seen = self.wait_running("default", name);
        let pod = self.nodes[usize::from(number) - 1].pod(name);
        let told = seen["podIPs"].as_array().into_iter().flatten().map(|one| one["ip"].clone());
        let told: Vec<Value> = told.collect();
        assert_eq!(json!(told), json!(pod.addresses), "what the kubelet tells of {name}");
        pod
    }

    /// Waits until a Pod's containers run, and hands back its status.
    fn wait_running(&self, namespace: &str, name: &str) -> Value {
        let mut status = Value::Null;
        let running = eventually(PATIENCE * 3, || {
            let text = self.cluster.api.kubectl(&["get", "pod", "-n", namespace, name, "-o=json"]).stdout;
            let seen: Value = serde_json::from_str(&text).expect("kubectl prints JSON");
            status = seen["status"].clone();
            status["phase"] == "Running"
        });
        assert!(running, "{name}: {status}\n{}", self.said());
        status
    }

    /// What the programs of all nodes said at last.
    pub(crate) fn said(&self) -> String {
        self.nodes.iter().map(KubeNode::said).collect()
    }
}

fn pods_of_kubelets(node: &Node, shape: Shape, mode: ProxyMode) -> Kubelets<'_> {
    let mut kubelets = Kubelets::new(node, shape, mode);
    for name in ["node1", "node2"] {
        let message = kubelets.cluster.wait_condition(name, "Ready", "False");
        assert!(message.contains("cni plugin not initialized"), "{name}: {message}");
    }
    kubelets.connect();
    for name in ["node1", "node2", "node3"] {
        kubelets.cluster.wait_available(name);
    }

    let before = [0, 1].map(|index| Snapshot::take(&kubelets.nodes[index]));
    let port = json!([{"containerPort": 80, "hostPort": 8081}]);
    let a = kubelets.pod_with(1, "a", &port);
    let [b, c] = [(1, "b"), (2, "c")].map(|(number, name)| kubelets.pod(number, name));
    let by_hand = kubelets.cluster.member(3).pod("d");
    all_reach_all(&[&a, &b, &c, &by_hand]);
    // Nodes and pods, also of the node's own network, reach each other on every node.
    for pod in [&a, &c, &by_hand] {
        for number in [1, 2, 3] {
            let member = kubelets.cluster.member(number);
            pod.addresses.iter().for_each(|address| member.machine.ping(address));
            member.addresses().iter().for_each(|address| pod.pod.ping(address));
        }
    }
    let api = &kubelets.cluster.api;
    for address in &c.addresses {
        api.kubectl(&["exec", "a", "--", "ping", "-c1", "-W5", &address.to_string()]);
    }
    assert_eq!(api.kubectl(&["logs", "a"]).stdout, "here\n");

    api.kubectl(&["delete", "pods", "a", "b", "c"]);
    drop(by_hand);
    for (node, before) in kubelets.nodes.iter().zip(before) {
        let before = before.forgiving(&Allowed::after_del("cni0")).forgiving(&STANDING).forgiving(&OF_NODES);
        let gone = eventually(PATIENCE * 3, || before.diff(&Snapshot::take(node)).is_empty());
        assert!(gone, "left on {}:\n{}", node.name(), before.diff(&Snapshot::take(node)));
    }
    kubelets
}

#[test]
fn kubelets_are_ready_by_our_conflist_and_their_pods_reach_all_over_vxlan_and_wait_for_the_agent_after_a_reboot()
 {
    let node = Node::enter();
    let mut kubelets = pods_of_kubelets(&node, Shape::VXLAN, ProxyMode::Iptables);
    kubelets.pods_wait_for_the_agent_after_a_reboot();
}

#[test]
fn kubelets_are_ready_by_our_conflist_where_there_is_ipv6_alone() {
    pods_of_kubelets(&Node::enter(), Shape::VXLAN.only(&[6]), ProxyMode::Nftables);
}
