//! What `deploy/routed-agent` gives an agent the right to do, asked with the token of a Pod.

use std::path::Path;

use sandbox::{ApiServer, Node, PATIENCE, eventually};

const PREFIX: &str = "flannel.alpha.coreos.com";

/// A server with the manifests and two Nodes, and the token of the agent's Pod on n1.
fn cluster(node: &Node) -> (ApiServer<'_>, String) {
    let api = ApiServer::start(node);
    for (name, podcidr, address) in
        [("n1", "10.244.1.0/24", "192.0.2.1"), ("n2", "10.244.2.0/24", "192.0.2.2")]
    {
        api.create_node(name, podcidr, address);
        api.kubectl(&["annotate", "node", name, "example.com/size=large"]);
        let condition = r#"{"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#;
        api.kubectl(&["patch", "node", name, "--subresource=status", "-p", condition]);
    }
    api.apply_path(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/trestle.yaml"));
    // kubectl reads before it writes.
    api.kubectl(&["create", "clusterrole", "reader", "--verb=get", "--resource=nodes/status"]);
    let account = "--serviceaccount=trestle:routed-agent";
    api.kubectl(&["create", "clusterrolebinding", "reader", "--clusterrole=reader", account]);
    let token = api.pod_token("trestle", "routed-agent", "n1");
    // A policy counts some time after it was written.
    let foreign =
        patch("n2", &format!(r#"{{"metadata":{{"annotations":{{"{PREFIX}/public-ip":"192.0.2.66"}}}}}}"#));
    let mut said = String::new();
    let refused = eventually(PATIENCE, || {
        said = api.kubectl_of(&token, &words(&foreign)).stderr;
        said.contains("the Node on which its Pod runs")
    });
    assert!(refused, "the policy lets a foreign Node through: {said}");
    (api, token)
}

fn patch(node: &str, patch: &str) -> Vec<String> {
    let words = ["patch", "node", node, "--subresource=status", "--type=strategic", "-p", patch];
    words.map(str::to_owned).into()
}

fn words(owned: &[String]) -> Vec<&str> {
    owned.iter().map(String::as_str).collect()
}

#[test]
fn an_agent_writes_its_annotations_and_its_condition_on_its_own_node() {
    let node = Node::enter();
    let (api, token) = cluster(&node);
    let condition = |status: &str| {
        format!(
            r#"{{"status":{{"conditions":[{{"type":"NetworkUnavailable","status":"{status}","reason":"R"}}]}}}}"#
        )
    };
    let annotations = |value: &str| {
        format!(
            r#"{{"metadata":{{"annotations":{{"{PREFIX}/public-ip":{value},"{PREFIX}/backend-type":"vxlan"}}}}}}"#
        )
    };
    let allowed = [
        annotations(r#""192.0.2.1""#),
        annotations(r#""192.0.2.7""#),
        annotations("null"),
        condition("True"),
        condition("False"),
    ];
    for allowed in allowed {
        let output = api.kubectl_of(&token, &words(&patch("n1", &allowed)));
        assert_eq!(output.code, 0, "{allowed}: {output:?}");
    }
    let all = ["get", "nodes", "-o=jsonpath={.items[*].metadata.name}"];
    assert_eq!(api.kubectl_of(&token, &all).stdout, "n1 n2");
}

#[test]
fn an_agent_is_refused_everything_else() {
    let node = Node::enter();
    let (api, token) = cluster(&node);
    let refusals: [(&str, &str, &str); 10] = [
        (
            "n2",
            r#"{"status":{"conditions":[{"type":"NetworkUnavailable","status":"True"}]}}"#,
            "its Pod runs",
        ),
        (
            "n1",
            r#"{"metadata":{"annotations":{"flannel.alpha.coreos.com/public-ip-overwrite":"x"}}}"#,
            "annotations",
        ),
        ("n1", r#"{"metadata":{"annotations":{"example.com/size":"small"}}}"#, "annotations"),
        ("n1", r#"{"metadata":{"annotations":{"example.com/size":null}}}"#, "annotations"),
        ("n1", r#"{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":""}}}"#, "labels"),
        ("n1", r#"{"metadata":{"finalizers":["example.com/keep"]}}"#, "labels"),
        ("n1", r#"{"status":{"conditions":[{"type":"Ready","status":"False"}]}}"#, "no condition but"),
        ("n1", r#"{"status":{"conditions":[{"type":"Ready","$patch":"delete"}]}}"#, "no condition but"),
        (
            "n1",
            r#"{"status":{"addresses":[{"type":"InternalIP","address":"192.0.2.66"}]}}"#,
            "nothing of a Node's status",
        ),
        ("n1", r#"{"status":{"capacity":{"cpu":"64"}}}"#, "nothing of a Node's status"),
    ];
    let before = api.kubectl(&["get", "nodes", "-o=json"]).stdout;
    for (name, what, why) in refusals {
        let output = api.kubectl_of(&token, &words(&patch(name, what)));
        assert!(output.code != 0 && output.stderr.contains(why), "{name} {what}: {output:?}");
    }
    // And what the role doesn't have.
    for words in [
        &["patch", "node", "n1", "-p", r#"{"spec":{"unschedulable":true}}"#][..],
        &["delete", "node", "n1"],
        &["get", "secrets", "-A"],
        &["get", "pods", "-A"],
    ] {
        let output = api.kubectl_of(&token, words);
        assert!(output.code != 0 && output.stderr.contains("Forbidden"), "{words:?}: {output:?}");
    }
    assert_eq!(api.kubectl(&["get", "nodes", "-o=json"]).stdout, before);
}

#[test]
fn a_token_that_names_no_node_writes_to_none() {
    let node = Node::enter();
    let (api, _) = cluster(&node);
    let token = api.kubectl(&["create", "token", "routed-agent", "-n=trestle"]).stdout;
    let annotation = format!(r#"{{"metadata":{{"annotations":{{"{PREFIX}/public-ip":"192.0.2.1"}}}}}}"#);
    let output = api.kubectl_of(token.trim(), &words(&patch("n1", &annotation)));
    assert!(output.stderr.contains("its Pod runs"), "{output:?}");
}
