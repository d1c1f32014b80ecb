use expect_test::expect;
use serde_json::{Value, json};

use super::*;

/// flannel's.
const PREFIX: &str = "flannel.alpha.coreos.com/";

/// Nodes in every shape that matters.
fn nodes() -> Vec<Node> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let bare = Node { name: "c".to_owned(), ..Node::default() };
    let annotations = [
        ("backend-type", "vxlan"),
        ("backend-data", r#"{"VNI":1,"VtepMAC":"0e:00:00:00:00:01"}"#),
        ("kube-subnet-manager", "true"),
    ];
    vec![
        Node {
            name: "a".to_owned(),
            pod_cidrs: texts(&["10.244.1.0/24", "fd00:0:0:1::/64"]),
            internal_addresses: texts(&["192.0.2.1", "2001:db8::1"]),
            external_addresses: texts(&["203.0.113.1"]),
            annotations: annotations.into_iter().collect(),
            ..Node::default()
        },
        Node {
            name: "b.example.com".to_owned(),
            pod_cidrs: texts(&["10.244.2.0/24"]),
            internal_addresses: texts(&["192.0.2.2"]),
            ..Node::default()
        },
        bare,
    ]
}

/// A Node as kubectl prints it.
fn of_kubectl(node: &Node) -> Value {
    let of_type = |kind: &str, list: &[String]| -> Vec<Value> {
        list.iter().map(|address| json!({ "type": kind, "address": address })).collect()
    };
    let addresses = [
        of_type("InternalIP", &node.internal_addresses),
        of_type("Hostname", std::slice::from_ref(&node.name)),
        of_type("ExternalIP", &node.external_addresses),
    ]
    .concat();
    let annotations =
        node.annotations.iter().map(|(key, value)| (format!("{PREFIX}{key}"), value.to_owned()));
    let others = [("node.alpha.kubernetes.io/ttl".to_owned(), "0".to_owned())];
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "annotations": annotations.chain(others).collect::<BTreeMap<_, _>>(),
            "creationTimestamp": null,
            "name": node.name,
        },
        "spec": { "podCIDR": node.pod_cidrs.first(), "podCIDRs": node.pod_cidrs },
        "status": {
            "addresses": addresses,
            "conditions": [{ "type": "NetworkUnavailable", "status": "False", "reason": "FlannelIsUp" }],
            "nodeInfo": { "kernelVersion": "6.1.0" },
        },
    })
}

/// The same in our short form.
fn short(node: &Node) -> Value {
    json!({
        "name": node.name,
        "podCIDRs": node.pod_cidrs,
        "externalAddresses": node.external_addresses,
        "annotations": node.annotations.iter().collect::<BTreeMap<_, _>>(),
        "addresses": node.internal_addresses,
    })
}

fn list(nodes: &[Node]) -> Value {
    let items: Vec<_> = nodes.iter().map(of_kubectl).collect();
    json!({ "apiVersion": "v1", "items": items, "kind": "List", "metadata": { "resourceVersion": "" } })
}

fn yaml(value: &Value) -> String {
    serde_yaml_ng::to_string(value).unwrap()
}

#[test]
fn every_form_says_the_same() {
    let nodes = nodes();
    let short: Value = json!({ "nodes": nodes.iter().map(short).collect::<Vec<_>>() });
    let items: Vec<Value> = nodes.iter().map(of_kubectl).collect();
    let stream = |separator: &str, text: fn(&Value) -> String| {
        items.iter().map(text).collect::<Vec<_>>().join(separator)
    };
    let split = format!("---\n{}---\n{}---\n", yaml(&list(&nodes[..1])), yaml(&list(&nodes[1..])));
    for (form, text) in [
        ("short YAML", yaml(&short)),
        ("short JSON", short.to_string()),
        ("kubectl's JSON", format!("{:#}", list(&nodes))),
        ("kubectl's YAML", yaml(&list(&nodes))),
        ("the API's list", json!({ "kind": "NodeList", "apiVersion": "v1", "items": items }).to_string()),
        ("a stream of YAML", stream("---\n", yaml)),
        ("a stream of JSON", stream("\n", Value::to_string)),
        ("lists in a stream", split),
    ] {
        assert_eq!(
            read(&text, PREFIX).unwrap_or_else(|error| panic!("{form}: {error}\n{text}")),
            nodes,
            "{form}"
        );
    }
}

#[test]
fn the_short_form_is_written_as_the_readme_shows_it() {
    let readme = include_str!("../../../README.md");
    let (_, example) = readme.split_once("```yaml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    expect![[r#"
        [
            Node {
                name: "a",
                uid: "",
                created: "",
                pod_cidrs: [
                    "10.244.1.0/24",
                    "fd00:0:0:1::/64",
                ],
                internal_addresses: [
                    "192.0.2.1",
                    "2001:db8::1",
                ],
                external_addresses: [],
                annotations: {},
                unavailable: None,
            },
            Node {
                name: "b",
                uid: "",
                created: "",
                pod_cidrs: [
                    "10.244.2.0/24",
                    "fd00:0:0:2::/64",
                ],
                internal_addresses: [
                    "192.0.2.2",
                    "2001:db8::2",
                ],
                external_addresses: [
                    "203.0.113.2",
                ],
                annotations: {
                    "public-ip": "192.0.2.102",
                },
                unavailable: None,
            },
        ]
    "#]]
    .assert_debug_eq(&read(example, PREFIX).unwrap());
}

#[test]
fn annotations_of_the_short_form_may_bear_the_prefix() {
    let text = "nodes:\n- {name: a, podCIDRs: [], addresses: [], annotations: {flannel.alpha.coreos.com/public-ip: 192.0.2.9, \
                example.com/public-ip: 192.0.2.8}}\n";
    let nodes = read(text, PREFIX).unwrap();
    assert_eq!(nodes[0].annotations, [("public-ip", "192.0.2.9")].into_iter().collect());
}

#[test]
fn other_things_in_a_list_of_kubectls_are_passed_over() {
    let mut list = list(&nodes());
    list["items"].as_array_mut().unwrap().insert(1, json!({ "kind": "Pod", "metadata": { "name": "x" } }));
    assert_eq!(read(&list.to_string(), PREFIX).unwrap(), nodes());
}

/// Cut anywhere, a text is refused; `spare` is how many bytes at its end may be missing without a loss.
fn is_refused_when_cut(text: &str, spare: usize) {
    for end in 0..text.len() - spare {
        if let Ok(found) = read(&text[..end], PREFIX) {
            panic!("cut off after {end} of {} bytes it passes for {found:?}", text.len());
        }
    }
    assert_eq!(read(text, PREFIX).unwrap(), nodes());
}

#[test]
fn json_that_is_cut_off_is_refused() {
    is_refused_when_cut(&list(&nodes()).to_string(), 0);
    is_refused_when_cut(&json!({ "nodes": nodes().iter().map(short).collect::<Vec<_>>() }).to_string(), 0);
}

#[test]
fn kubectls_yaml_that_is_cut_off_is_refused() {
    let text = yaml(&list(&nodes()));
    // What comes behind the kind says nothing of Nodes.
    let (_, behind) = text.split_once("kind: List\n").unwrap();
    is_refused_when_cut(&text, behind.len());
}

#[test]
fn what_is_no_complete_list_is_refused_with_the_reason() {
    let cases = [
        "",
        " \n\n",
        "---\n",
        "# nothing\n",
        "nodes: []\n",
        "nodes:\n",
        "{\"kind\":\"List\",\"items\":[]}",
        "items: []\n",
        "kind: Pod\nmetadata: {name: x}\n",
        "a: 1\n",
        "just a text\n",
        "- 1\n",
        "nodes:\n- {name: a, podCIDRs: [], addresses: []}",
        "nodes:\n- {name: a, podCIDRs: []}\n",
        "nodes:\n- {name: a, podCIDR: 10.244.1.0/24, addresses: []}\n",
        "nodes:\n- {name: a, podCIDRs: 10.244.1.0/24, addresses: []}\n",
        "nodes:\n- {name: a, podCIDRs: [], addresses: []}\n- {name: a, podCIDRs: [], addresses: []}\n",
        "nodes:\n- {name: '', podCIDRs: [], addresses: []}\n",
        "nodes: [\n",
        "{\"nodes\": [{\"name\": \"a\"",
        "{\"nodes\": [{\"name\": \"a\", \"podCIDRs\": [], \"addresses\": []}]} x",
    ];
    let told: Vec<_> =
        cases.iter().map(|text| format!("{text:?}: {}\n", read(text, PREFIX).expect_err(text))).collect();
    expect![[r##"
        "": it is empty
        " \n\n": it is empty
        "---\n": it is empty
        "# nothing\n": it is empty
        "nodes: []\n": it names no Node
        "nodes:\n": document 1 is neither a Node, a list of Nodes, nor has it the key nodes
        "{\"kind\":\"List\",\"items\":[]}": it names no Node
        "items: []\n": document 1 has items and no kind: it may be cut off
        "kind: Pod\nmetadata: {name: x}\n": document 1 is neither a Node, a list of Nodes, nor has it the key nodes
        "a: 1\n": document 1 is neither a Node, a list of Nodes, nor has it the key nodes
        "just a text\n": invalid type: string "just a text", expected the key nodes, a Node, or a list of Nodes
        "- 1\n": invalid type: sequence, expected the key nodes, a Node, or a list of Nodes
        "nodes:\n- {name: a, podCIDRs: [], addresses: []}": its last line does not end: it may be cut off
        "nodes:\n- {name: a, podCIDRs: []}\n": nodes[0]: missing field `addresses` at line 2 column 3
        "nodes:\n- {name: a, podCIDR: 10.244.1.0/24, addresses: []}\n": nodes[0]: unknown field `podCIDR`, expected one of `name`, `podCIDRs`, `addresses`, `externalAddresses`, `annotations` at line 2 column 13
        "nodes:\n- {name: a, podCIDRs: 10.244.1.0/24, addresses: []}\n": nodes[0].podCIDRs: invalid type: string "10.244.1.0/24", expected a sequence at line 2 column 23
        "nodes:\n- {name: a, podCIDRs: [], addresses: []}\n- {name: a, podCIDRs: [], addresses: []}\n": Node a is there twice
        "nodes:\n- {name: '', podCIDRs: [], addresses: []}\n": a Node has no name
        "nodes: [\n": did not find expected node content at line 2 column 1, while parsing a flow node
        "{\"nodes\": [{\"name\": \"a\"": EOF while parsing an object at line 1 column 23
        "{\"nodes\": [{\"name\": \"a\", \"podCIDRs\": [], \"addresses\": []}]} x": expected value at line 1 column 61
    "##]].assert_eq(&told.concat());
}
