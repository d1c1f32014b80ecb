//! Services by kube-proxy over our network, and ports of nodes beside it: from pods, nodes and outside, and back to whoever
//! asked.

use std::net::{IpAddr, Ipv4Addr};

use sandbox::{Answer, Answering, Attached, Node, PATIENCE, Place, ProxyMode, eventually};
use serde_json::{Value, json};

use crate::cluster::Shape;
use crate::kubelets::Kubelets;

/// Where pods and Services listen, and where nodes do for a Service.
const PORT: u16 = 8080;
const NODE_PORT: u16 = 30080;
const LOCAL_PORT: u16 = 30081;

/// The port of a node that leads into a pod there.
const HOST_PORT: u16 = 8081;

/// A Service of both families and pods that serve it.
struct Service {
    addresses: Vec<IpAddr>,
}

impl Service {
    /// Makes it with these pods behind it, each with its node's name. A controller manager would fill the slices.
    fn new(kubelets: &Kubelets, name: &str, spec: &Value, pods: &[(&Attached, &str)]) -> Self {
        let api = &kubelets.cluster.api;
        let metadata = |name: &str| json!({"name": name, "namespace": "default"});
        let mut service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata(name), "spec": spec,
        });
        service["spec"]["ipFamilyPolicy"] = json!("RequireDualStack");
        api.apply(&service);
        for (family, kind) in [(4, "IPv4"), (6, "IPv6")] {
            let address = |pod: &Attached| {
                pod.addresses.iter().find(|address| address.is_ipv4() == (family == 4)).copied()
            };
            let endpoint =
                |(pod, node): &(&Attached, &str)| json!({"addresses": [address(pod)], "nodeName": node});
            let mut metadata = metadata(&format!("{name}-{family}"));
            metadata["labels"] = json!({"kubernetes.io/service-name": name});
            api.apply(&json!({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata,
                "addressType": kind,
                "endpoints": pods.iter().map(endpoint).collect::<Vec<_>>(),
                "ports": [{"port": PORT, "protocol": "TCP"}],
            }));
        }
        let text = api.kubectl(&["get", "service", name, "-o=json"]).stdout;
        let seen: Value = serde_json::from_str(&text).expect("kubectl prints JSON");
        let all = seen["spec"]["clusterIPs"].as_array().into_iter().flatten();
        Self { addresses: all.filter_map(|ip| ip.as_str()?.parse().ok()).collect() }
    }
}

impl Kubelets<'_> {
    /// Asks until everyone of these has answered.
    fn all_answer(&self, from: &impl Place, server: (IpAddr, u16), names: &[&str]) {
        let mut said = Vec::new();
        let all = eventually(PATIENCE, || {
            said.push(Answering::ask(from, server.into()));
            names.iter().all(|name| said.iter().flatten().any(|answer| answer.name == *name))
        });
        assert!(all, "{server:?}: not all of {names:?} but {:?}\n{}", said.last(), self.said());
    }

    /// Who answers, as soon as somebody does.
    fn answer(&self, from: &impl Place, server: (IpAddr, u16)) -> Answer {
        let mut last = None;
        let came = eventually(PATIENCE, || {
            last = Some(Answering::ask(from, server.into()));
            matches!(last, Some(Ok(_)))
        });
        match last {
            Some(Ok(answer)) if came => answer,
            last => panic!("{server:?}: {last:?}\n{}", self.said()),
        }
    }
}

fn services_work(shape: Shape, mode: ProxyMode) {
    let node = Node::enter();
    let kubelets = Kubelets::connected(&node, shape, mode);
    let a = kubelets.pod_with(1, "a", &json!([{"containerPort": PORT, "hostPort": HOST_PORT}]));
    let b = kubelets.pod(2, "b");
    let outside = &kubelets.cluster.member(3).machine;
    let _servers = [(&a, "a"), (&b, "b")].map(|(pod, name)| Answering::start(&pod.pod, name, PORT));
    let both = [(&a, "node1"), (&b, "node2")];
    let ports = |port: u16| json!([{"port": PORT, "nodePort": port}]);

    let spec = &json!({"type": "NodePort", "ports": ports(NODE_PORT)});
    let service = Service::new(&kubelets, "both", spec, &both);
    for address in &service.addresses {
        kubelets.all_answer(&a.pod, (*address, PORT), &["a", "b"]);
        kubelets.all_answer(&kubelets.nodes[0], (*address, PORT), &["a", "b"]);
    }
    for number in [1, 2] {
        for address in kubelets.cluster.member(number).addresses() {
            let address = address.parse().expect("an address");
            kubelets.all_answer(outside, (address, NODE_PORT), &["a", "b"]);
        }
    }

    // A pod that is its own Service meets itself, and sees its node.
    let own = Service::new(&kubelets, "own", &json!({"ports": [{"port": PORT}]}), &[(&a, "node1")]);
    for address in &own.addresses {
        assert_eq!(kubelets.answer(&a.pod, (*address, PORT)).name, "a");
        // Who comes from another node is seen as who it is.
        let seen = kubelets.answer(&b.pod, (*address, PORT));
        assert!(b.addresses.contains(&seen.caller), "{seen:?}");
    }

    let spec = &json!({"type": "NodePort", "externalTrafficPolicy": "Local", "ports": ports(LOCAL_PORT)});
    Service::new(&kubelets, "local", spec, &both);
    let callers = kubelets.cluster.member(3).addresses();
    for address in kubelets.cluster.member(2).addresses() {
        let seen = kubelets.answer(outside, (address.parse().expect("an address"), LOCAL_PORT));
        assert_eq!(seen.name, "b");
        assert!(callers.contains(&seen.caller.to_string()), "{seen:?}, not one of {callers:?}");
    }

    for address in kubelets.cluster.member(1).addresses() {
        let server = (address.parse().expect("an address"), HOST_PORT);
        for from in [&a.pod, &b.pod] {
            assert_eq!(kubelets.answer(from, server).name, "a");
        }
        assert_eq!(kubelets.answer(&kubelets.nodes[0], server).name, "a");
        let seen = kubelets.answer(outside, server);
        assert!(callers.contains(&seen.caller.to_string()), "{seen:?}, not one of {callers:?}");
    }
    assert_eq!(kubelets.answer(&kubelets.nodes[0], (Ipv4Addr::LOCALHOST.into(), HOST_PORT)).name, "a");
}

#[test]
fn services_by_iptables_and_host_ports_lead_to_pods_from_pods_nodes_and_outside() {
    services_work(Shape::VXLAN, ProxyMode::Iptables);
}

#[test]
fn services_by_nftables_and_host_ports_lead_to_pods_from_pods_nodes_and_outside() {
    services_work(Shape::HOST_GW, ProxyMode::Nftables);
}
