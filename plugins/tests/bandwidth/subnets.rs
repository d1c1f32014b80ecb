//! `shapedSubnets` and `unshapedSubnets`: which traffic is limited, told by the address of the other side.

use sandbox::Place;
use serde_json::{Value, json};

use crate::measuring::{connection, pass};
use crate::network::{GATEWAYS, both, with};
use crate::stage::{Attached, Stage, shown};

/// What is sent, in bytes.
const SENT: usize = 200_000;

/// The node's further addresses, one of each family.
const OTHERS: [&str; 2] = ["192.0.2.1", "fd77::1"];

/// The subnets that those are in, with bits beyond the prefix, which do not count.
fn others() -> Value {
    json!(["192.0.2.77/24", "fd77::77/64"])
}

/// A node with its further addresses, and a container with these subnets.
fn stage_with(key: &str, subnets: &Value) -> (Stage, Attached) {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    for address in OTHERS {
        stage.node.exec(&["ip", "addr", "add", address, "dev", "lo"]);
    }
    let conf = with(&both(), &json!({ key: subnets }));
    let result = stage.add(&p1, &conf);
    stage.check(&p1, &conf, &result).succeeded();
    (stage, p1)
}

/// How much of what the container sends to an address, and then receives from there, waits for its turn.
fn limited(stage: &Stage, p1: &Attached, address: &str) -> [u64; 2] {
    p1.pod.ping(address);
    let device = &stage.devices()[0];
    let before = [stage.passed(device), in_class(stage, p1)];
    let [client, server] = connection(&p1.pod, &stage.node, address);
    pass([client, server], SENT);
    let [client, server] = connection(&p1.pod, &stage.node, address);
    pass([server, client], SENT);
    [stage.passed(device) - before[0], in_class(stage, p1) - before[1]]
}

/// The bytes that passed the queue of the class at the host end.
fn in_class(stage: &Stage, p1: &Attached) -> u64 {
    let all = shown(&stage.node, &["tc", "-s", "-j", "qdisc", "show", "dev", p1.host_end()]);
    let leaf = all.as_array().into_iter().flatten().find(|qdisc| qdisc["kind"] == "bfifo");
    leaf.and_then(|leaf| leaf["bytes"].as_u64()).expect("the queue counts its bytes")
}

#[track_caller]
fn all_of_it([egress, ingress]: [u64; 2], address: &str) {
    let sent = SENT as u64;
    assert!(egress > sent && ingress > sent, "{address}: {egress} and {ingress} bytes of {sent}");
}

#[track_caller]
fn none_of_it([egress, ingress]: [u64; 2], address: &str) {
    let sent = SENT as u64;
    assert!(egress < sent / 4 && ingress < sent / 4, "{address}: {egress} and {ingress} bytes of {sent}");
}

// works with a Veth pair with some ipv4 and ipv6 unbounded traffic
#[test]
fn traffic_with_unshaped_subnets_is_not_limited_and_all_other_is() {
    let (stage, p1) = stage_with("unshapedSubnets", &others());
    for address in OTHERS {
        none_of_it(limited(&stage, &p1, address), address);
    }
    for address in GATEWAYS {
        all_of_it(limited(&stage, &p1, address), address);
    }
}

// works with a Veth pair with some ipv4 and ipv6 shaped traffic for specific subnets
#[test]
fn traffic_with_shaped_subnets_is_limited_and_no_other_is() {
    let (stage, p1) = stage_with("shapedSubnets", &others());
    for address in OTHERS {
        all_of_it(limited(&stage, &p1, address), address);
    }
    for address in GATEWAYS {
        none_of_it(limited(&stage, &p1, address), address);
    }
}

#[test]
fn a_subnet_of_everything_is_everything_of_its_family() {
    let (stage, p1) = stage_with("shapedSubnets", &json!(["0.0.0.0/0"]));
    all_of_it(limited(&stage, &p1, OTHERS[0]), OTHERS[0]);
    none_of_it(limited(&stage, &p1, OTHERS[1]), OTHERS[1]);
    let (stage, p1) = stage_with("unshapedSubnets", &json!(["::/0"]));
    all_of_it(limited(&stage, &p1, OTHERS[0]), OTHERS[0]);
    none_of_it(limited(&stage, &p1, OTHERS[1]), OTHERS[1]);
}

// A runtime knows no subnets: with the reference's, subnets of the configuration switched its limits off.
#[test]
fn subnets_of_the_configuration_go_with_the_runtimes_limits() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let runtime = json!({ "bandwidth": { "IngressRate": 8_000_000, "IngressBurst": 4_294_967_295_u64 } });
    let conf = json!({ "cniVersion": "1.1.0", "name": "net1", "type": "bandwidth", "unshapedSubnets": others(), "runtimeConfig": runtime });
    let result = stage.add(&p1, &conf);
    assert_eq!(stage.limit(p1.host_end()).0, "htb");
    stage.check(&p1, &conf, &result).succeeded();
}

// Prefixes of every length, each once; the same subnet twice is one.
#[test]
fn subnets_of_every_length_are_kept() {
    let v4 = (0..=32).map(|length| format!("255.255.255.255/{length}"));
    let v6 = (0..=128).map(|length| format!("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/{length}"));
    let all: Vec<String> = v4.chain(v6).chain(["10.0.0.0/8".to_owned(), "10.1.2.3/8".to_owned()]).collect();
    stage_with("shapedSubnets", &json!(all));
    stage_with("unshapedSubnets", &json!(all));
}
