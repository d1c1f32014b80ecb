//! CHECK: silent right after ADD, and words for everything that somebody broke.

use sandbox::Place;
use serde_json::{Value, json};

use crate::network::{both, with};
use crate::stage::{Attached, Stage};

/// After `harm`, CHECK fails and says `words`.
#[track_caller]
fn finds(conf: &Value, words: &str, harm: impl FnOnce(&Stage, &Attached)) {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let result = stage.add(&p1, conf);
    stage.check(&p1, conf, &result).succeeded();
    harm(&stage, &p1);
    stage.finds(&p1, (conf, &result), words);
}

fn tc(stage: &Stage, command: &str) {
    stage.node.sh(&format!("tc {command}"));
}

// B-24: the reference is content with any other discipline in the place of its own.
#[test]
fn check_finds_a_limit_that_is_gone_or_another() {
    finds(&both(), "ingress rate 8000000bit burst 50000b limit 50000b traffic all: no tbf", |stage, p1| {
        tc(stage, &format!("qdisc del dev {} root", p1.host_end()));
    });
    finds(&both(), "no tbf", |stage, p1| {
        tc(stage, &format!("qdisc replace dev {} root bfifo", p1.host_end()));
    });
    let tbf = "root handle 1: tbf rate 9mbit burst 50000 limit 50000";
    finds(&both(), "tbf rate 9000000bit", |stage, p1| {
        tc(stage, &format!("qdisc replace dev {} {tbf}", p1.host_end()));
    });
    finds(&both(), "egress rate 16000000bit burst 50000b limit 50000b traffic all: no tbf", |stage, _| {
        tc(stage, &format!("qdisc del dev {} root", stage.devices()[0]));
    });
}

#[test]
fn check_finds_a_redirection_that_is_gone_or_leads_nowhere() {
    finds(&both(), "0 filters, not 1", |stage, p1| {
        tc(stage, &format!("qdisc del dev {} ingress", p1.host_end()));
    });
    finds(&both(), "0 filters, not 1", |stage, p1| {
        tc(stage, &format!("filter del dev {} parent ffff:", p1.host_end()));
    });
    finds(&both(), "missing", |stage, _| {
        stage.node.exec(&["ip", "link", "del", &stage.devices()[0]]);
    });
    finds(&both(), "is down", |stage, _| {
        stage.node.exec(&["ip", "link", "set", &stage.devices()[0], "down"]);
    });
}

#[test]
fn check_finds_subnets_that_are_lost() {
    let conf = with(&both(), &json!({ "unshapedSubnets": ["10.0.0.0/8", "fd00::/8"] }));
    finds(&conf, "0 filters, not 2", |stage, p1| tc(stage, &format!("filter del dev {}", p1.host_end())));
    finds(&conf, "2 filters, not 3", |stage, p1| {
        tc(stage, &format!("filter del dev {} parent ffff: prio 1", p1.host_end()));
    });
    finds(&conf, "no htb", |stage, p1| tc(stage, &format!("qdisc del dev {} root", p1.host_end())));
    finds(&conf, "no bfifo", |stage, p1| {
        tc(stage, &format!("qdisc replace dev {} parent 1:1 handle 3: pfifo", p1.host_end()));
    });
    finds(&conf, "htb rate 9000000bit", |stage, p1| {
        tc(stage, &format!("class change dev {} parent 1: classid 1:1 htb rate 9mbit", p1.host_end()));
    });
}

#[test]
fn check_finds_other_limits_than_those_of_the_configuration() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let result = stage.add(&p1, &both());
    for key in ["ingressRate", "egressRate", "ingressBurst", "egressBurst"] {
        let other = with(&both(), &json!({ key: 12_000_000 }));
        stage.finds(&p1, (&other, &result), "tbf rate");
    }
}

#[test]
fn status_is_content_until_a_redirection_leads_nowhere() {
    let stage = Stage::new();
    let status =
        |conf: &Value| stage.call_of("bandwidth", &stage.node.pod("x"), conf).command("STATUS").run();
    status(&both()).succeeded();
    let p1 = stage.attached("p1");
    stage.add(&p1, &both());
    status(&both()).succeeded();
    stage.node.exec(&["ip", "link", "del", &stage.devices()[0]]);
    assert_eq!(status(&both()).error()["code"], 51);
    // Another network's containers are not this one's.
    status(&with(&both(), &json!({ "name": "net2" }))).succeeded();
    stage.node.exec(&["/opt/cni/bin/cni", "restore"]);
    status(&both()).succeeded();
}

// What somebody flushed comes back, and what is as it should be is left alone.
#[test]
fn restore_brings_back_the_limits_of_the_living() {
    let stage = Stage::new();
    let [p1, p2] = ["p1", "p2"].map(|name| stage.attached(name));
    let conf = with(&both(), &json!({ "shapedSubnets": ["10.0.0.0/8", "fd00::/8"] }));
    let results = [stage.add(&p1, &both()), stage.add(&p2, &conf)];
    let index = || stage.node.exec(&["ip", "-o", "link", "show", "type", "ifb"]).stdout;
    let before = index();
    for link in [p1.host_end(), p2.host_end()] {
        tc(&stage, &format!("qdisc del dev {link} root"));
    }
    stage.node.exec(&["/opt/cni/bin/cni", "restore"]);
    stage.check(&p1, &both(), &results[0]).succeeded();
    stage.check(&p2, &conf, &results[1]).succeeded();
    assert_eq!(index(), before);
    for device in stage.devices() {
        stage.node.exec(&["ip", "link", "del", &device]);
    }
    stage.finds(&p1, (&both(), &results[0]), "missing");
    stage.node.exec(&["/opt/cni/bin/cni", "restore"]);
    stage.check(&p1, &both(), &results[0]).succeeded();
    stage.check(&p2, &conf, &results[1]).succeeded();
}
