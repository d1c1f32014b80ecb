//! CHECK, DEL, GC and STATUS.

use std::path::Path;

use sandbox::Place;
use serde_json::json;

use crate::stage::{Attached, BACKENDS, NODE, Stage, at, port, portmap};

fn ports() -> serde_json::Value {
    json!([port(8080, 80, "tcp"), port(5353, 53, "udp")])
}

#[test]
fn without_ports_nothing_is_made_and_prev_result_is_passed_through() {
    let stage = Stage::new();
    for ports in [json!([]), json!(null)] {
        let one = stage.mapped(&format!("c{}", ports.is_null()), &ports);
        stage.verb("CHECK", &one).succeeded();
        stage.verb("DEL", &one).succeeded();
    }
    assert!(!stage.node.exec(&["nft", "list", "ruleset"]).stdout.contains("chain ports"));
    assert!(!Path::new("/var/lib/cni/trestle/portmap").exists());
}

// B-18: DEL knows what ADD made, whatever it is told
#[test]
fn del_needs_neither_ports_nor_prev_result_nor_the_namespace() {
    let stage = Stage::new();
    for (number, leave_out) in ["runtimeConfig", "prevResult", "nothing"].into_iter().enumerate() {
        let name = format!("c{number}");
        let one = stage.mapped(&name, &ports());
        let mut conf = one.conf.clone();
        conf.as_object_mut().unwrap().remove(leave_out);
        conf["backend"] = json!(if number == 2 { "iptables" } else { "nftables" });
        for _ in 0..2 {
            let call = stage.call("portmap", &one.pod, &conf).env("CNI_NETNS", "").command("DEL");
            call.run().succeeded();
            assert_eq!(stage.left_of(&name), "", "{leave_out}");
        }
    }
}

#[test]
fn del_finds_by_its_mark_what_no_record_tells_of() {
    let stage = Stage::new();
    let (one, two) = (stage.mapped("one", &ports()), stage.mapped("two", &json!([port(9090, 90, "tcp")])));
    stage.node.exec(&["rm", "-r", "/var/lib/cni/trestle/portmap"]);
    stage.verb("DEL", &one).succeeded();
    assert_eq!(stage.left_of("one"), "");
    stage.verb("CHECK", &two).succeeded();
    assert!(two.serves(90, &stage.router, at(NODE[0], 9090)).is_ok());
}

// "has working CHECK"
#[test]
fn check_misses_what_somebody_took_away() {
    for damage in [
        "nft flush map inet trestle ports4",
        "nft flush map inet trestle ports6",
        "nft flush chain inet trestle ports-prerouting",
        "nft flush map inet trestle hairpins4",
        "echo 0 >/proc/sys/net/ipv4/conf/cni0/route_localnet",
    ] {
        let stage = Stage::new();
        let one = stage.mapped("one", &ports());
        stage.verb("CHECK", &one).succeeded();
        stage.node.sh(damage);
        let error = stage.verb("CHECK", &one).error();
        assert!(error["msg"].as_str().is_some_and(|said| said.contains("missing")), "{damage}: {error}");
        // The same ADD again mends it.
        stage.verb("ADD", &one).succeeded();
        stage.verb("CHECK", &one).succeeded();
    }
}

fn gc(stage: &Stage, one: &Attached, valid: &serde_json::Value) {
    let mut conf = portmap(&json!(null), &json!([]), &json!({}));
    conf.as_object_mut().unwrap().remove("prevResult");
    conf["cni.dev/valid-attachments"] = valid.clone();
    let call = stage.call("portmap", &one.pod, &conf).without("CNI_CONTAINERID").without("CNI_NETNS");
    call.without("CNI_IFNAME").command("GC").run().succeeded();
}

// B-07
#[test]
fn gc_removes_the_ports_of_attachments_that_are_gone_and_no_others() {
    for records in ["kept", "lost"] {
        let stage = Stage::new();
        let by = |number: u16, name: &str, backend: &str| {
            let ports = json!([port(number, 80, "tcp"), port(number, 53, "udp")]);
            stage.mapped_with(&format!("{name}-{backend}"), &ports, &json!({ "backend": backend }))
        };
        let gone = BACKENDS.map(|backend| by(8080 + u16::from(backend == "iptables"), "gone", backend));
        let kept = BACKENDS.map(|backend| by(9090 + u16::from(backend == "iptables"), "kept", backend));
        if records == "lost" {
            stage.node.exec(&["rm", "-r", "/var/lib/cni/trestle/portmap"]);
        }
        let valid = kept.each_ref().map(|one| json!({ "containerID": one.pod.name(), "ifname": "eth0" }));
        gc(&stage, &gone[0], &json!(valid));
        for one in &gone {
            assert_eq!(stage.left_of(one.pod.name()), "", "{records}");
        }
        for (number, one) in (9090..).zip(&kept) {
            assert!(one.serves(80, &stage.router, at(NODE[0], number)).is_ok(), "{records} {number}");
        }
        gc(&stage, &gone[0], &json!([]));
        for one in &kept {
            assert_eq!(stage.left_of(one.pod.name()), "", "{records}");
        }
    }
}

#[test]
fn status_tells_of_running_containers_that_lost_their_ports() {
    let stage = Stage::new();
    let one = stage.mapped("one", &ports());
    let mut conf = one.conf.clone();
    conf.as_object_mut().unwrap().remove("prevResult");
    let status = || {
        let call = stage.call("portmap", &one.pod, &conf).without("CNI_CONTAINERID").without("CNI_NETNS");
        call.without("CNI_IFNAME").command("STATUS").run()
    };
    status().succeeded();
    stage.node.exec(&["nft", "flush", "ruleset"]);
    assert_eq!(status().error()["code"], 51);
    stage.verb("DEL", &one).succeeded();
    status().succeeded();
}
