//! The API server for tests is a real one, with real rights.

use sandbox::{ApiServer, NOBODY, Node};

#[test]
fn an_api_server_keeps_its_nodes_when_it_is_killed_and_started_again() {
    let node = Node::enter();
    let mut api = ApiServer::start(&node);
    api.create_node("n1", "10.244.1.0/24", "192.0.2.1");
    api.kill();
    assert_ne!(api.try_kubectl(&["get", "nodes"]).code, 0);
    api.start_again();
    assert_eq!(
        api.kubectl(&["get", "nodes", "-o=jsonpath={.items[*].spec.podCIDR}"]).stdout,
        "10.244.1.0/24"
    );
    assert!(api.requests("kubectl").iter().any(|request| request.verb == "create" && request.code == 201));
}

#[test]
fn rights_are_asked_for_and_a_pods_token_names_its_node() {
    let node = Node::enter();
    let api = ApiServer::start(&node);
    let refused = api.kubectl_of(NOBODY, &["get", "nodes"]);
    assert!(refused.stderr.contains("Forbidden"), "{refused:?}");
    let unknown = api.kubectl_of("a-strangers-token", &["get", "nodes"]);
    assert!(unknown.stderr.contains("Unauthorized"), "{unknown:?}");

    api.create_node("n1", "10.244.1.0/24", "192.0.2.1");
    api.kubectl(&["create", "serviceaccount", "-n=default", "agent"]);
    let token = api.pod_token("default", "agent", "n1");
    let who = api.kubectl_of(&token, &["auth", "whoami", "-o=json"]);
    assert!(who.stdout.contains("authentication.kubernetes.io/node-name"), "{who:?}");
    assert!(who.stdout.contains("\"n1\""), "{who:?}");
}
