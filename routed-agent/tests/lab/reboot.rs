//! A machine has booted: `/run` is empty, the conflist is still there, and its subnet may be another's by now.

use sandbox::{Call, PATIENCE, Place, Reply, eventually};
use serde_json::{Value, json};

use crate::cluster::{CONFLIST, Cluster, Shape};

/// A pod's ADD by the first plugin of a conflist.
fn add(cluster: &Cluster, conflist: &Value, name: &str) -> Reply {
    let mut conf = conflist["plugins"][0].clone();
    for key in ["name", "cniVersion"] {
        conf[key] = conflist[key].clone();
    }
    cluster.members[0].machine.within(|| {
        let pod = cluster.node.pod(name);
        let call = Call::new("/opt/cni/bin/bridge").container(name).netns(&pod).ifname("eth0").conf(&conf);
        let reply = call.clone().command("ADD").run();
        call.command("DEL").run().succeeded();
        reply
    })
}

fn refused(cluster: &Cluster, conflist: &Value, found: &str) {
    let error = add(cluster, conflist, "early").error();
    assert_eq!(error["code"], 11, "{error}");
    let expected = format!(
        "waiting until subnet 10.244.1.0/24 is confirmed as this node's by /run/flannel/subnet.env, which {found}: the \
         node's agent writes it once it knows the node's podCIDR"
    );
    assert!(error["msg"].as_str().unwrap_or_default().contains(&expected), "{error}");
}

#[test]
fn after_a_reboot_no_pod_gets_an_address_before_the_agent_knows_its_subnet() {
    let mut cluster = Cluster::new(Shape::HOST_GW.of(&[4]), 1);
    cluster.start();
    let old: Value =
        serde_json::from_str(&cluster.members[0].read(CONFLIST).unwrap_or_default()).expect("a conflist");
    add(&cluster, &old, "before").succeeded();

    cluster.members[0].kill();
    cluster.members[0].machine.sh("rm -r /run/flannel /run/trestle /run/nodes.json; ip link delete cni0");
    refused(&cluster, &old, "is not there yet");
    // An agent that can't ask anybody changes nothing about that.
    cluster.members[0].start();
    let told = || cluster.members[0].ready().1.starts_with("not ready: no complete list of Nodes yet: ");
    assert!(eventually(PATIENCE, told), "{}", cluster.members[0].log());
    refused(&cluster, &old, "is not there yet");

    let mut entry = cluster.entry(1);
    entry["podCIDRs"] = json!(["10.244.9.0/24"]);
    cluster.tell(&[entry]);
    cluster.members[0].wait_ready();
    let pod = cluster.pod(1, "after");
    assert_eq!(pod.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.244.9.2"]);
    // A runtime may not have read the new conflist yet.
    refused(&cluster, &old, "names 10.244.9.0/24");
}
