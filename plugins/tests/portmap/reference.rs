//! In place of the reference: ports that its plugins mapped, by each of its backends, for pods that live on.

use std::path::PathBuf;

use sandbox::{Call, Place};
use serde_json::{Value, json};

use crate::stage::{Attached, BACKENDS, NODE, Stage, at, bridge, port, portmap};

fn directory() -> PathBuf {
    std::env::var_os("TRESTLE_REFERENCE").map_or_else(|| sandbox::cached("plugins-1.9.1"), PathBuf::from)
}

/// A pod that the reference's plugins made.
fn made(stage: &Stage, name: &str, backend: &str) -> Attached {
    let pod = stage.node.pod(name);
    let ports = json!([port(8080, 80, "tcp"), port(5353, 53, "udp")]);
    let call = |plugin: &str, conf: &Value| {
        let call = Call::new(directory().join(plugin)).container(pod.name()).netns(&pod);
        call.ifname("eth0").conf(conf).command("ADD").run().result()
    };
    let result = call("bridge", &bridge());
    let conf = portmap(&result, &ports, &json!({ "backend": backend }));
    call("portmap", &conf);
    Attached { pod, result, conf }
}

/// What rules of the pod's ports there are.
fn rules(stage: &Stage, one: &Attached) -> String {
    let rules = stage.node.sh("nft list ruleset").stdout;
    let [v4, v6] = one.addresses().map(|address| address.to_string());
    let of_it = |line: &&str| {
        line.contains("CNI-DN-")
            || line.contains(&format!("dnat to {v4}"))
            || line.contains(&format!("dnat to [{v6}]"))
            || line.contains("comment \"one\"")
    };
    rules.lines().filter(of_it).collect::<Vec<_>>().join("\n")
}

#[test]
fn ports_that_the_reference_mapped_pass_check_and_go_with_del() {
    for backend in ["nftables", "iptables"] {
        for form in ["whole", "no ports", "no prevResult", "no namespace"] {
            let stage = Stage::new();
            let one = made(&stage, "one", backend);
            let context = format!("{backend}, {form}");
            assert_ne!(rules(&stage, &one), "", "{context}");
            assert!(one.serves(80, &stage.router, at(NODE[0], 8080)).is_ok(), "{context}");
            if form == "whole" {
                // Its name is a part of the holder's.
                let two = stage.pod("on");
                for keys in BACKENDS.map(|backend| json!({ "backend": backend })) {
                    let conf = portmap(&two.result, &json!([port(8080, 81, "tcp")]), &keys);
                    let error = stage.call("portmap", &two.pod, &conf).command("ADD").run().error();
                    let said = error["msg"].as_str().unwrap();
                    let taken = said.contains("port 0.0.0.0:8080/tcp is taken by ") && said.contains("one");
                    assert!(taken, "{context}: {error}");
                }
            }
            // Our own default has taken the backend's place.
            let mut conf = one.conf.clone();
            conf.as_object_mut().unwrap().remove("backend");
            let ours = |command: &str, conf: &Value| stage.call("portmap", &one.pod, conf).command(command);
            ours("CHECK", &conf).run().succeeded();
            let other = portmap(&one.result, &json!([port(8081, 80, "tcp")]), &json!({}));
            let error = ours("CHECK", &other).run().error();
            assert!(error["msg"].as_str().unwrap().contains("port 0.0.0.0:8081/tcp"), "{context}: {error}");
            match form {
                "no ports" => conf["runtimeConfig"] = json!({}),
                "no prevResult" => drop(conf.as_object_mut().unwrap().remove("prevResult")),
                _ => {}
            }
            let del = ours("DEL", &conf);
            let del = if form == "no namespace" { del.env("CNI_NETNS", "") } else { del };
            del.run().succeeded();
            assert_eq!(rules(&stage, &one), "", "{context}");
            assert!(one.is_shut(80, &stage.router, at(NODE[0], 8080)), "{context}");
        }
    }
}

#[test]
fn ours_and_the_reference_print_the_same_and_lead_to_the_same_place() {
    let stage = Stage::new();
    let (theirs, ours) =
        (made(&stage, "theirs", "nftables"), stage.mapped("ours", &json!([port(8081, 80, "tcp")])));
    for (one, number) in [(&theirs, 8080), (&ours, 8081)] {
        let seen: Vec<_> = NODE
            .iter()
            .map(|node| one.serves(80, &stage.router, at(node, number)).expect("from the router"))
            .collect();
        assert_eq!(seen, crate::stage::ROUTER.map(crate::stage::ip));
    }
}
