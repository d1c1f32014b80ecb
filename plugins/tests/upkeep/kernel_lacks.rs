//! A kernel without `nf_tables`: ADD and STATUS name what is missing, ADD leaves nothing, and the rest works.

use sandbox::{Node, Snapshot, without_netfilter};
use serde_json::json;

use crate::network::{Network, cni, standing};

#[test]
fn add_names_what_is_missing_and_leaves_nothing() {
    let node = Node::enter();
    let pod = node.pod("a");
    let before = Snapshot::take(&node).forgiving(&standing());
    for (ip_masq, macspoofchk) in [(true, false), (false, true)] {
        let network =
            Network::new(&node, "net1").with(&json!({ "ipMasq": ip_masq, "macspoofchk": macspoofchk }));
        let error = without_netfilter(|| network.call(&pod).command("ADD").run()).error();
        assert!(error["msg"].as_str().is_some_and(|text| text.contains("nf_tables")), "{error}");
        before.assert_same(&Snapshot::take(&node));
    }
}

#[test]
fn status_names_what_is_missing() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let before = Snapshot::take(&node);
    let error = without_netfilter(|| network.status()).error();
    assert_eq!(error["code"], 50);
    let text = error["msg"].to_string();
    assert!(text.contains("nf_tables") && text.contains("ipMasq"), "{text}");
    before.assert_same(&Snapshot::take(&node));
}

#[test]
fn plan_names_what_is_missing() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let pod = node.pod("a");
    let plan = sandbox::Call::new("/opt/cni/bin/cni").through(&["sh", "-c", "exec \"$0\" plan"]);
    let plan = plan.container("a").netns(&pod).ifname("eth0").conf(network.conf(&json!({})));
    let error = without_netfilter(|| plan.run()).error();
    assert!(error["msg"].as_str().is_some_and(|text| text.contains("nf_tables")), "{error}");
}

#[test]
fn a_network_without_rules_works() {
    let node = Node::enter();
    let network = Network::new(&node, "net1").with(&json!({ "ipMasq": false, "macspoofchk": false }));
    let before = Snapshot::take(&node).forgiving(&standing());
    let pod = node.pod("a");
    without_netfilter(|| {
        network.status().succeeded();
        let result = network.add(&pod);
        network.check(&pod, &result).succeeded();
        network.status().succeeded();
        network.gc_but(&["a"]);
        network.check(&pod, &result).succeeded();
        network.call(&pod).command("DEL").run().succeeded();
        network.del("a");
        network.gc_but(&[]);
        assert_eq!(cni(&node, &["gc"]).code, 0);
        assert_eq!(cni(&node, &["restore"]).code, 0);
    });
    drop(pod);
    before.assert_same(&Snapshot::take(&node));
}

/// Such a container is from another kernel: its rules are gone with that.
#[test]
fn del_of_a_container_with_rules_succeeds() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let pod = node.pod("a");
    network.add(&pod);
    without_netfilter(|| network.call(&pod).command("DEL").run()).succeeded();
    assert_eq!(pod.links(), ["lo"]);
}
