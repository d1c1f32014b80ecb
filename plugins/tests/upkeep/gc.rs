//! GC: the specification's section "GC", P-046 to P-048.

use std::fs;

use sandbox::{Node, Place, Snapshot};
use serde_json::{Value, json};

use crate::network::{Network, STATE, holdings, links, records, rules, standing, traces};

// P-046, B-07
#[test]
fn gc_removes_what_the_list_does_not_name_and_nothing_else() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let other = Network::new(&node, "net2").elsewhere();
    let [a, b, c] = ["a", "b", "c"].map(|name| node.pod(name));
    let result = network.add(&a);
    other.add(&c);
    let before = holdings(&node);
    network.add(&b);
    network.gc_but(&["a", "x"]);
    assert_eq!(holdings(&node), before);
    assert_eq!(traces(&node, "b"), "");
    network.check(&a, &result).succeeded();
}

// P-047
#[test]
fn an_empty_list_says_that_everything_is_stale() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let other = Network::new(&node, "net2").elsewhere();
    let [a, b, c] = ["a", "b", "c"].map(|name| node.pod(name));
    let before = Snapshot::take(&node).forgiving(&standing());
    network.add(&a);
    network.add(&b);
    network.gc_but(&[]);
    before.assert_same(&Snapshot::take(&node));
    let elsewhere = other.add(&c);
    network.gc_but(&[]);
    other.check(&c, &elsewhere).succeeded();
}

// P-047
#[test]
fn null_keeps_whom_the_kernel_knows_to_be_alive() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let [alive, dead] = ["alive", "dead"].map(|name| node.pod(name));
    let result = network.add(&alive);
    network.add(&dead);
    let dead = network.kill(dead);
    assert_ne!(traces(&node, &dead), "");
    let null = json!({ "cni.dev/valid-attachments": Value::Null, "cni.dev/attachments": Value::Null });
    network.gc(&null).succeeded();
    assert_eq!(traces(&node, &dead), "");
    network.check(&alive, &result).succeeded();
}

// P-047: what `cnitool gc` sends.
#[test]
fn without_a_list_nothing_is_removed() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let [alive, dead] = ["alive", "dead"].map(|name| node.pod(name));
    network.add(&alive);
    network.add(&dead);
    network.kill(dead);
    let before = holdings(&node);
    network.gc(&json!({})).succeeded();
    network.gc(&json!({ "cni.dev/attachments": [] })).succeeded();
    assert_eq!(holdings(&node), before);
}

// P-048
#[test]
fn a_container_is_valid_by_its_interface_and_on_its_network_only() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let other = Network::new(&node, "net2").elsewhere();
    let pod = node.pod("c1");
    network.add(&pod);
    let second = other.call(&pod).ifname("net1").command("ADD").run().result();
    // Its eth0 on net2 is valid, and it has none there.
    other.gc_but(&["c1"]);
    assert_eq!(pod.links(), ["eth0", "lo"]);
    other.call(&pod).ifname("net1").command("ADD").run().succeeded();
    let valid = json!([{ "containerID": "c1", "ifname": "net1" }]);
    network.gc(&json!({ "cni.dev/valid-attachments": valid })).succeeded();
    assert_eq!(pod.links(), ["lo", "net1"]);
    assert_eq!(second["ips"][0]["address"], "10.3.4.2/24");
}

#[test]
fn gc_finds_what_lost_its_record_by_the_marks_that_it_bears() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let other = Network::new(&node, "net2").elsewhere();
    let [kept, alive, dead, c] = ["kept", "alive", "dead", "c"].map(|name| node.pod(name));
    let result = network.add(&kept);
    let elsewhere = other.add(&c);
    let before = (links(&node), rules(&node));
    network.add(&alive);
    network.add(&dead);
    network.kill(dead);
    fs::remove_dir_all(STATE).expect("our state is there");
    network.gc_but(&["kept"]);
    assert_eq!((links(&node), rules(&node)), before);
    assert_eq!(traces(&node, "alive") + &traces(&node, "dead"), "");
    assert_eq!(alive.links(), ["lo"]);
    network.check(&kept, &result).succeeded();
    other.check(&c, &elsewhere).succeeded();
}

#[test]
fn null_keeps_the_living_also_where_their_records_are_lost() {
    let node = Node::enter();
    let network = Network::new(&node, "net1").with(&json!({ "ipam": {} }));
    let masqueraded = Network::new(&node, "net1");
    let [alive, dead, layer2] = ["alive", "dead", "layer2"].map(|name| node.pod(name));
    let results = [masqueraded.add(&alive), network.add(&layer2)];
    masqueraded.add(&dead);
    masqueraded.kill(dead);
    fs::remove_dir_all(records()).expect("the records are there");
    network.gc(&json!({ "cni.dev/valid-attachments": null })).succeeded();
    assert!(!node.exec(&["nft", "list", "ruleset"]).stdout.contains("dead"));
    masqueraded.check(&alive, &results[0]).succeeded();
    network.check(&layer2, &results[1]).succeeded();
}

/// A comment of `nft` has 128 bytes: less than a network of this name and a container of 64 digits need.
#[test]
fn names_that_are_too_long_for_a_comment_make_no_difference() {
    let node = Node::enter();
    let network = Network::new(&node, &"n".repeat(60));
    let (kept, stale) = (node.pod("kept"), node.pod("stale"));
    let [long, longer] = ["1", "2"].map(|digit| digit.repeat(64));
    let add = |pod, id| network.call(pod).container(id).command("ADD").run().result();
    add(&kept, &long);
    let before = (links(&node), rules(&node));
    add(&stale, &longer);
    fs::remove_dir_all(STATE).expect("our state is there");
    network.gc_but(&[&long]);
    assert_eq!((links(&node), rules(&node)), before);
}

#[test]
fn gc_takes_nothing_that_is_not_ours() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    network.add(&node.pod("gone"));
    node.sh("ip link add vethforeign type veth peer name other
         ip link set vethforeign master cni0 alias trestle
         ip link set other alias 'trestle net1/gone/eth0'
         ip link add br9 type bridge; ip link set br9 alias 'trestle net1/x/eth0'
         nft 'add table inet other; add chain inet other c; add rule inet other c ip saddr 10.1.2.2 counter'
         nft 'add element inet trestle masquerade4 { 10.1.2.77 comment \"by hand\" : accept }'
         nft 'add element bridge trestle guarded { \"vethforeign\" }'
         mkdir -p /var/lib/cni/networks/other; echo -n x >/var/lib/cni/networks/other/10.1.2.9");
    network.gc_but(&[]);
    let before = Snapshot::take(&node);
    network.gc_but(&[]);
    network.gc(&json!({ "cni.dev/valid-attachments": null })).succeeded();
    before.assert_same(&Snapshot::take(&node));
    let rules = node.exec(&["nft", "list", "ruleset"]).stdout;
    assert!(
        rules.contains("by hand") && rules.contains("vethforeign") && rules.contains("saddr 10.1.2.2"),
        "{rules}"
    );
    node.exec(&["ip", "link", "show", "other"]);
    node.exec(&["ip", "link", "show", "br9"]);
}

/// An IPAM plugin that writes down how it was called, and ends as it is told to.
fn script(node: &Node, gc: &str) {
    let text = format!(
        "#!/bin/sh\nconf=$(cat)\nif [ $CNI_COMMAND = GC ]; then\n  env >/run/called.env; printf %s \"$conf\" >/run/called.conf\n  {gc}\nfi\n\
         [ $CNI_COMMAND != ADD ] || echo '{{\"cniVersion\":\"1.1.0\",\"ips\":[{{\"address\":\"10.1.2.9/24\"}}]}}'\n"
    );
    node.write("/opt/cni/bin/told", &text);
    node.exec(&["chmod", "755", "/opt/cni/bin/told"]);
}

// P-046, P-050, P-051, B-07
#[test]
fn gc_is_forwarded_to_the_ipam_plugin_as_it_came() {
    let node = Node::enter();
    let network = Network::new(&node, "net1").with(&json!({ "ipam": { "type": "told" } }));
    script(&node, "exit 0");
    let more = json!({ "cni.dev/valid-attachments": [{ "containerID": "a", "ifname": "eth0" }], "x": 1 });
    network.gc(&more).succeeded();
    let conf = fs::read_to_string("/run/called.conf").expect("the IPAM plugin was called");
    assert_eq!(serde_json::from_str::<Value>(&conf).expect("a configuration"), network.conf(&more));
    let environment = fs::read_to_string("/run/called.env").expect("the IPAM plugin was called");
    assert!(environment.contains("CNI_PATH=/opt/cni/bin\n"), "{environment}");
}

// P-046
#[test]
fn gc_goes_on_after_an_error_and_reports_it() {
    let node = Node::enter();
    let network = Network::new(&node, "net1").with(&json!({ "ipam": { "type": "told" } }));
    script(&node, "echo '{\"code\":117,\"msg\":\"no disk\"}'; exit 1");
    network.add(&node.pod("a"));
    let error = network.gc(&json!({ "cni.dev/valid-attachments": [] })).error();
    assert_eq!((&error["code"], &error["msg"]), (&json!(117), &json!("no disk")));
    assert_eq!(traces(&node, "a"), "");
}
