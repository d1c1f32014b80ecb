//! Services by kube-proxy over our network, and ports of nodes beside it: from Pods, nodes and outside, and back to whoever asked.

use std::net::{IpAddr, Ipv4Addr};

use cluster::{Cluster, HOST_PORT, LOCAL_PORT, NODE_PORT, PORT, Pods, Workload, ask};
use sandbox::{Node, PATIENCE, Place, eventually};
use serde_json::{Value, json};

use crate::reach::{answers, inside};

/// The Services: `web` by every kind of door, `near` by a door to the node's own Pod, `heads` without an address, `six` in the second family
/// alone, `own` before one Pod.
pub(crate) fn objects(web: &Workload, own: &Workload) -> Vec<Value> {
    let port = |node_port: u16| json!([{"port": PORT, "nodePort": node_port}]);
    vec![
        web.service("web", &json!({"type": "NodePort", "ports": port(NODE_PORT)})),
        web.service(
            "near",
            &json!({"type": "NodePort", "externalTrafficPolicy": "Local", "ports": port(LOCAL_PORT)}),
        ),
        web.service("heads", &json!({"clusterIP": "None"})),
        web.service("six", &json!({"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"]})),
        own.service("own", &json!({})),
    ]
}

/// Who is no node.
const OUTSIDE: [&str; 2] = ["192.0.2.254", "2001:db8::fe"];

/// The addresses of a Service.
pub(crate) fn addresses(cluster: &Cluster, service: &str) -> Vec<IpAddr> {
    let seen = cluster.get(&["service", "-n=default", service]);
    let all = seen["spec"]["clusterIPs"].as_array().into_iter().flatten();
    all.filter_map(|ip| ip.as_str()?.parse().ok()).collect()
}

/// Asks until everyone of these has answered.
fn all_answer(from: &impl Place, (address, port): (IpAddr, u16), names: &[&str]) {
    let mut said = Vec::new();
    let all = eventually(PATIENCE, || {
        said.push(ask(from, (address, port).into()));
        names.iter().all(|name| said.iter().flatten().any(|who| who.name == *name))
    });
    assert!(all, "{address} port {port}: not all of {names:?} but {:?}", said.last());
}

/// Everything that a Service is asked; `outside` is nobody's node.
pub(crate) fn all(cluster: &Cluster, outside: &Node) {
    let (web, bare, own) = (Pods::of(cluster, "web"), Pods::of(cluster, "bare"), Pods::of(cluster, "own"));
    let own = own.on("node1");
    let pods = inside(cluster);
    let callers = OUTSIDE.map(|address| address.parse::<IpAddr>().expect("an address"));
    let (both, six) = (addresses(cluster, "web"), addresses(cluster, "six"));
    assert_eq!((both.len(), six.len()), (2, 1), "{both:?} {six:?}");
    for address in both.into_iter().chain(six) {
        for pod in &pods {
            all_answer(&pod.pod, (address, PORT), &web.names());
        }
        for node in cluster.nodes() {
            all_answer(node, (address, PORT), &web.names());
        }
    }
    for (node, pod) in bare.0.iter().zip(&web.0) {
        for address in &node.addresses {
            all_answer(outside, (*address, NODE_PORT), &web.names());
            let caller = answers(outside, (*address, LOCAL_PORT), &pod.name);
            assert!(callers.contains(&caller), "{} was called by {caller}", pod.name);
        }
    }

    // A Pod that is its own Service meets itself; who comes from another node is seen as who it is.
    let itself = cluster.nodes()[0].pod(&own.name);
    for address in addresses(cluster, "own") {
        answers(&itself.pod, (address, PORT), &own.name);
        for pod in &pods {
            let caller = answers(&pod.pod, (address, PORT), &own.name);
            assert!(pod.addresses.contains(&caller), "{caller}, not one of {:?}", pod.addresses);
        }
    }

    for address in &bare.on("node1").addresses {
        let port = (*address, HOST_PORT);
        answers(&itself.pod, port, &own.name);
        for pod in &pods {
            answers(&pod.pod, port, &own.name);
        }
        for node in cluster.nodes() {
            answers(node, port, &own.name);
        }
        let caller = answers(outside, port, &own.name);
        assert!(callers.contains(&caller), "{} was called by {caller}", own.name);
    }
    answers(&cluster.nodes()[0], (Ipv4Addr::LOCALHOST.into(), HOST_PORT), &own.name);
}
