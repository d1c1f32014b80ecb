//! What every chained plugin does alike: records, failures, several of a kind, GC and STATUS.

use std::fs;

use sandbox::{Call, PATIENCE, Place, Pod, eventually};
use serde_json::{Value, json};

use crate::stage::{Stage, after, bridge, link, plugin, setting};

/// The records of one plugin: their texts, sorted.
fn records(kind: &str) -> Vec<String> {
    let boots = fs::read_dir(format!("/var/lib/cni/trestle/{kind}")).into_iter().flatten().flatten();
    let files = boots.flat_map(|boot| fs::read_dir(boot.path()).into_iter().flatten().flatten());
    let mut texts: Vec<_> = files.map(|file| fs::read_to_string(file.path()).expect("a record")).collect();
    texts.sort();
    texts
}

fn mtu(bytes: u32) -> Value {
    plugin("tuning", &json!({ "mtu": bytes }))
}

/// GC of the network with these keys.
fn gc(stage: &Stage, pod: &Pod, keys: &Value) {
    let conf = plugin("tuning", keys);
    stage
        .call(pod, &conf)
        .without("CNI_CONTAINERID")
        .without("CNI_IFNAME")
        .without("CNI_NETNS")
        .command("GC")
        .run()
        .succeeded();
}

fn valid(containers: &[&str]) -> Value {
    let valid: Vec<_> = containers.iter().map(|id| json!({ "containerID": id, "ifname": "eth0" })).collect();
    json!({ "cni.dev/valid-attachments": valid })
}

#[test]
fn a_plugin_may_stand_in_a_list_twice() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let before = link(&pod, "eth0");
    let (first, second) = (mtu(1400), plugin("tuning", &json!({ "mtu": 1300, "promisc": true })));
    let one = stage.add(&pod, &first, &result);
    let two = stage.add(&pod, &second, &one);
    assert_eq!(records("tuning").len(), 1);
    assert_eq!(stage.amiss(&pod, &second, &two), "");
    // libcni goes backwards.
    stage.del(&pod, &second, &two);
    stage.del(&pod, &first, &two);
    assert_eq!(link(&pod, "eth0"), before);
    assert_eq!(records("tuning"), [""; 0]);
}

#[test]
fn an_add_that_is_repeated_remembers_what_was_there_before_the_first() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let before = link(&pod, "eth0");
    for _ in 0..3 {
        stage.add(&pod, &mtu(1400), &result);
    }
    stage.del(&pod, &mtu(1400), &result);
    assert_eq!(link(&pod, "eth0"), before);
}

#[test]
fn two_interfaces_of_a_container_are_two_attachments() {
    let stage = Stage::new();
    let (pod, first) = stage.attached("c1");
    let second = stage.call_on(&pod, "eth1", &bridge()).command("ADD").run().result();
    stage.add(&pod, &mtu(1400), &first);
    let _ = stage.call_on(&pod, "eth1", &after(&mtu(1300), &second)).command("ADD").run().result();
    assert_eq!(records("tuning").len(), 2);
    stage.del(&pod, &mtu(1400), &first);
    assert_eq!((&link(&pod, "eth0")["mtu"], &link(&pod, "eth1")["mtu"]), (&json!(1500), &json!(1300)));
    stage.call_on(&pod, "eth1", &after(&mtu(1300), &second)).command("DEL").run().succeeded();
    assert_eq!(link(&pod, "eth1")["mtu"], 1500);
}

#[test]
fn an_add_that_fails_takes_everything_back_and_leaves_what_was_there() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let before = (link(&pod, "eth0"), setting(&pod, "net/core/somaxconn"));
    let settings = json!({ "net.core.somaxconn": "500", "net.ipv4.conf.IFNAME.arp_filter": "x" });
    let conf = plugin("tuning", &json!({ "sysctl": settings, "mtu": 1400 }));
    let refused = stage.refused(&pod, &conf, &result);
    assert!(
        refused["msg"].as_str().is_some_and(
            |msg| msg.starts_with(r#"sysctl: net/ipv4/conf/eth0/arp_filter: invalid value "x": "#)
        ),
        "{refused}"
    );
    assert_eq!((link(&pod, "eth0"), setting(&pod, "net/core/somaxconn")), before);
    assert_eq!(records("tuning"), [""; 0]);
    // One that stands already keeps what it has.
    stage.add(&pod, &mtu(1400), &result);
    let standing = records("tuning");
    stage.refused(&pod, &conf, &result);
    assert_eq!((records("tuning"), &link(&pod, "eth0")["mtu"]), (standing, &json!(1400)));
}

#[test]
fn a_late_del_of_another_network_touches_nothing() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    stage.add(&pod, &mtu(1400), &result);
    let mut late = mtu(1400);
    late["name"] = json!("another");
    stage.del(&pod, &late, &result);
    assert_eq!(stage.amiss(&pod, &mtu(1400), &result), "");
    assert_eq!(records("tuning").len(), 1);
}

#[test]
fn del_needs_neither_namespace_nor_result_nor_a_configuration_that_can_be_read() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    stage.add(&pod, &mtu(1400), &result);
    let broken = plugin("tuning", &json!({ "mtu": "x" }));
    stage.call(&pod, &broken).without("CNI_NETNS").command("DEL").run().succeeded();
    assert_eq!(records("tuning"), [""; 0]);
}

// P-046, P-047
#[test]
fn gc_forgets_attachments_that_are_not_listed_and_nothing_without_a_list() {
    let stage = Stage::new();
    let ((a, first), (b, second)) = (stage.attached("a"), stage.attached("b"));
    stage.add(&a, &mtu(1400), &first);
    stage.add(&b, &mtu(1400), &second);
    gc(&stage, &a, &json!({}));
    assert_eq!(records("tuning").len(), 2);
    // `null` names nobody, and spares whom the kernel knows to be alive.
    gc(&stage, &a, &json!({ "cni.dev/valid-attachments": null }));
    assert_eq!(records("tuning").len(), 2);
    gc(&stage, &a, &valid(&["a", "x"]));
    assert!(records("tuning")[0].contains("container a\n") && records("tuning").len() == 1);
    gc(&stage, &a, &valid(&[]));
    assert_eq!(records("tuning"), [""; 0]);
    // The interface plugins' records are theirs.
    assert_eq!(records("attachments").len(), 2);
}

#[test]
fn an_administrators_gc_forgets_the_dead_and_an_uninstall_names_the_living() {
    let stage = Stage::new();
    let cni = stage.bin.join("cni").display().to_string();
    let ((living, first), (dead, second)) = (stage.attached("living"), stage.attached("dead"));
    stage.add(&living, &mtu(1400), &first);
    stage.add(&dead, &mtu(1400), &second);
    dead.remove();
    // The kernel buries a namespace when it has time.
    let gone = eventually(PATIENCE, || {
        stage.node.exec(&[&cni, "gc"]);
        records("tuning").len() == 1
    });
    assert!(gone, "{:?}", records("tuning"));
    assert_eq!(stage.node.exec(&[&cni, "gc"]).stdout, "");
    let said = stage.node.exec(&[&cni, "uninstall", "/run/nowhere"]).stdout;
    assert_eq!(said, "still attached: net/living/eth0\n");
    assert_eq!(stage.amiss(&living, &mtu(1400), &first), "");
}

#[test]
fn plan_tells_what_add_would_do_and_changes_nothing() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let before = link(&pod, "eth0");
    let conf =
        after(&plugin("tuning", &json!({ "mtu": 1400, "sysctl": { "net.core.somaxconn": "500" } })), &result);
    let call = Call::new(stage.bin.join("cni")).through(&["sh", "-c", "exec \"$0\" plan"]);
    let reply = call.container("c1").netns(&pod).ifname("eth0").command("ADD").conf(&conf).run();
    let (plan, printed) = reply.stdout.split_once("\n\n").expect("a plan, an empty line, a result");
    assert_eq!(plan, "container sysctl net/core/somaxconn = 500\ncontainer link eth0 mtu 1400");
    assert_eq!(serde_json::from_str::<Value>(printed).expect("a result")["interfaces"][2]["mtu"], 1400);
    assert_eq!((link(&pod, "eth0"), records("tuning")), (before, vec![]));
}
