//! The API server goes, or refuses: traffic goes on.

use sandbox::{Attached, Flow, NOBODY, Node, PATIENCE, eventually};

use crate::cluster::{Cluster, PREFIX, Shape};

/// Agents everywhere, and a pod on each of the first two machines, which reach each other.
fn working(node: &Node, shape: Shape) -> (Cluster<'_>, [Attached; 2]) {
    let mut cluster = Cluster::new(node, shape);
    cluster.start_agents(&[1, 2, 3]);
    let [a, b] = [1, 2].map(|number| cluster.member(number).pod(&format!("pod{number}")));
    a.reaches_whole(&b);
    for number in [2, 3] {
        cluster.wait_route(1, number, Some(number));
    }
    (cluster, [a, b])
}

#[test]
fn without_its_api_server_an_agent_keeps_all_also_over_a_restart() {
    let node = Node::enter();
    let (mut cluster, [a, b]) = working(&node, Shape::VXLAN);
    let before = cluster.member(1).paths();
    let flows: Vec<Flow> = b.addresses.iter().map(|address| Flow::start(&a.pod, *address)).collect();
    cluster.api.kill();
    cluster.member(1).wait_status("not ready: no news of Nodes: ");
    assert_eq!(cluster.member(1).paths(), before);

    cluster.member_mut(1).kill();
    cluster.member_mut(1).start_agent("node1");
    cluster.member(1).wait_status("not ready: no complete list of Nodes yet: ");
    // It has tried, and says why it failed.
    let told = || cluster.member(1).status().stdout.contains("Connection refused");
    assert!(eventually(PATIENCE, told), "{:?}", cluster.member(1).status());
    assert_eq!(cluster.member(1).paths(), before);

    cluster.api.start_again();
    for member in &cluster.members {
        member.wait_ready();
    }
    assert_eq!(cluster.member(1).paths(), before);
    for flow in flows {
        flow.end();
    }
}

#[test]
fn an_agent_that_is_refused_keeps_all_and_says_by_whom() {
    let node = Node::enter();
    let (mut cluster, [a, b]) = working(&node, Shape::HOST_GW);
    let before = cluster.member(1).paths();
    let right = cluster.credentials("node1");

    // While it runs: nobody may list Nodes any more, and a watch that stands ends with the server.
    cluster.api.kubectl(&["delete", "clusterrolebinding", "trestle:routed-agent"]);
    cluster.api.kill();
    cluster.api.start_again();
    let refused =
        || cluster.member(1).status().stdout.lines().next().unwrap_or_default().contains("403 Forbidden");
    assert!(eventually(PATIENCE * 2, refused), "{:?}", cluster.member(1).status());
    assert_eq!(cluster.member(1).paths(), before);

    // From its start: a token that nobody knows, and one of somebody who may do nothing.
    for (token, answer) in [("a-strangers-token", "401 Unauthorized"), (NOBODY, "403 Forbidden")] {
        cluster.member_mut(1).kill();
        let strange = cluster.api.portable_kubeconfig_of(token);
        cluster.member(1).write("/run/kubeconfig", &strange);
        cluster.member_mut(1).start_agent("node1");
        cluster.member(1).wait_status("not ready: no complete list of Nodes yet: ");
        let refused = || cluster.member(1).status().stdout.contains(answer);
        assert!(eventually(PATIENCE, refused), "{answer}: {:?}", cluster.member(1).status());
        assert_eq!(cluster.member(1).paths(), before);
        a.reaches_whole(&b);
    }

    // Credentials are read again: it needs no restart.
    cluster.member(1).write("/run/kubeconfig", &right);
    cluster.grant();
    for member in &cluster.members {
        member.wait_ready();
    }
    assert_eq!(cluster.member(1).paths(), before);
}

#[test]
fn erased_annotations_come_back() {
    let node = Node::enter();
    let (cluster, [a, b]) = working(&node, Shape::VXLAN);
    let before = cluster.announced("node2");
    let keys: Vec<String> = before.iter().map(|(key, _)| format!("{PREFIX}{key}-")).collect();
    let words: Vec<&str> =
        ["annotate", "node", "node2"].into_iter().chain(keys.iter().map(String::as_str)).collect();
    cluster.api.kubectl(&words);
    assert!(
        eventually(PATIENCE, || cluster.announced("node2") == before),
        "{:?}",
        cluster.announced("node2")
    );
    cluster.wait_route(1, 2, Some(2));
    a.reaches_whole(&b);
}
