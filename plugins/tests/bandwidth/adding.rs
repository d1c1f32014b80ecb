//! ADD: what the kernel holds afterwards, and what is printed.

use sandbox::Place;
use serde_json::{Value, json};

use crate::network::{bandwidth, both, bridge, with};
use crate::stage::{Stage, shown};

// [%s] works with a Veth pair
#[test]
fn both_directions_are_limited() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let result = stage.add(&p1, &both());
    let devices = stage.devices();
    assert_eq!(devices.len(), 1, "{devices:?}");
    assert_eq!(stage.limit(p1.host_end()), ("tbf".to_owned(), 1_000_000, 50_000));
    assert_eq!(stage.limit(&devices[0]), ("tbf".to_owned(), 2_000_000, 50_000));
    let filters = stage.node.exec(&["tc", "filter", "show", "dev", p1.host_end(), "parent", "ffff:"]).stdout;
    assert!(filters.contains(&format!("Egress Redirect to device {}", devices[0])), "{filters}");
    stage.check(&p1, &both(), &result).succeeded();
}

// The reference appends the device, too.
#[test]
fn the_result_is_prev_result_and_the_device_of_egress() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let result = stage.add(&p1, &both());
    let device = &stage.devices()[0];
    let mac = shown(&stage.node, &["ip", "-j", "link", "show", "dev", device])[0]["address"].clone();
    let mut expected = p1.result.clone();
    expected["interfaces"].as_array_mut().unwrap().push(json!({ "name": device, "mac": mac }));
    assert_eq!(result, expected);
}

// [%s] does not apply ingress when disabled, [%s] does not apply egress when disabled
#[test]
fn a_direction_without_limit_is_left_alone() {
    let stage = Stage::new();
    let (p1, p2) = (stage.attached("p1"), stage.attached("p2"));
    let ingress = bandwidth(&json!({ "ingressRate": 8_000_000, "ingressBurst": 400_000 }));
    assert_eq!(stage.add(&p1, &ingress), p1.result);
    assert_eq!((stage.limit(p1.host_end()).0.as_str(), stage.devices().len()), ("tbf", 0));
    let egress = bandwidth(
        &json!({ "ingressRate": 0, "ingressBurst": 0, "egressRate": 8_000_000, "egressBurst": 400_000 }),
    );
    stage.add(&p2, &egress);
    assert_eq!((stage.limit(p2.host_end()).0.as_str(), stage.devices().len()), ("noqueue", 1));
}

#[test]
fn a_container_without_limits_is_passed_through() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let before = stage.holdings();
    let zeros = json!({ "ingressRate": 0, "ingressBurst": 0, "egressRate": 0, "egressBurst": 0 });
    for keys in [json!({}), zeros, json!({ "runtimeConfig": { "bandwidth": {} } })] {
        let conf = bandwidth(&keys);
        assert_eq!(stage.add(&p1, &conf), p1.result, "{keys}");
        stage.check(&p1, &conf, &p1.result).succeeded();
        stage.del("p1", &conf);
        assert_eq!(stage.holdings(), before);
    }
}

// [%s] works with a Veth pair using runtime config. containerd writes Go's own names, CRI-O the documented ones.
#[test]
fn the_runtimes_limits_count_however_it_spells_them() {
    let stage = Stage::new();
    for (name, upper) in [("p1", false), ("p2", true)] {
        let keys = if upper { ["IngressRate", "IngressBurst"] } else { ["ingressRate", "ingressBurst"] };
        let pod = stage.attached(name);
        let conf = bandwidth(&json!({
            "capabilities": { "bandwidth": true },
            "runtimeConfig": { "bandwidth": { keys[0]: 80_000_000, keys[1]: 4_294_967_295_u64 } },
        }));
        let result = stage.add(&pod, &conf);
        // The burst means "unlimited": 100 ms of the rate.
        assert_eq!(stage.limit(pod.host_end()), ("tbf".to_owned(), 10_000_000, 1_000_000), "{conf}");
        stage.check(&pod, &conf, &result).succeeded();
    }
}

// [%s] should apply static config when both static config and runtime config exist
#[test]
fn limits_in_the_configuration_take_the_place_of_the_runtimes() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let runtime = json!({ "bandwidth": { "ingressRate": 1_000, "ingressBurst": 1_000, "egressRate": 1_000, "egressBurst": 1_000 } });
    let keys = json!({ "ingressRate": 8_000_000, "ingressBurst": 400_000, "runtimeConfig": runtime });
    stage.add(&p1, &bandwidth(&keys));
    assert_eq!((stage.limit(p1.host_end()).1, stage.devices().len()), (1_000_000, 0));
}

// 32 bits of bytes a second end at 34 Gbit/s; CRI-O's "unlimited" is the longest burst that is taken.
#[test]
fn rates_beyond_32_bits_and_the_longest_burst_are_kept() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let (rate, burst) = (400_000_000_000_u64, 8 * u64::from(u32::MAX) - 1);
    let subnets = json!({ "shapedSubnets": ["10.0.0.0/8"] });
    let limit =
        json!({ "ingressRate": rate, "ingressBurst": burst, "egressRate": rate, "egressBurst": burst });
    let result = stage.add(&p1, &bandwidth(&limit));
    let (_, found, _) = stage.limit(p1.host_end());
    assert_eq!(found, rate / 8);
    stage.check(&p1, &bandwidth(&limit), &result).succeeded();
    let p2 = stage.attached("p2");
    let conf = with(&bandwidth(&limit), &subnets);
    let result = stage.add(&p2, &conf);
    let class = stage.node.exec(&["tc", "class", "show", "dev", p2.host_end()]).stdout;
    assert!(class.contains("rate 400Gbit ceil 400Gbit"), "{class}");
    stage.check(&p2, &conf, &result).succeeded();
}

// What the reference takes literally: below a frame nothing passes, and 0 bytes a second is no rate.
#[test]
fn the_least_rate_and_burst_let_a_packet_through() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let conf = bandwidth(&json!({ "ingressRate": 1, "ingressBurst": 1, "egressRate": 1, "egressBurst": 1 }));
    let result = stage.add(&p1, &conf);
    p1.pod.ping("10.1.2.1");
    stage.check(&p1, &conf, &result).succeeded();
}

// B-24
#[test]
fn two_interfaces_of_a_container_have_a_device_each() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    stage.add(&p1, &both());
    let second =
        stage.call_of("bridge", &p1.pod, &bridge("net1")).ifname("net1").command("ADD").run().result();
    let conf = with(&both(), &json!({ "prevResult": second }));
    let call = stage.call_of("bandwidth", &p1.pod, &conf).ifname("net1");
    call.clone().command("ADD").run().succeeded();
    assert_eq!(stage.devices().len(), 2);
    call.command("DEL").run().succeeded();
    assert_eq!(stage.devices().len(), 1);
    assert_eq!(stage.limit(p1.host_end()).0, "tbf");
}

// B-24: the reference fails with "file exists".
#[test]
fn a_second_add_puts_the_new_limits_in_the_place_of_the_old() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    stage.add(&p1, &both());
    let subnets = json!({ "unshapedSubnets": ["10.0.0.0/8"] });
    for conf in [with(&both(), &subnets), with(&both(), &json!({ "egressRate": 80_000_000 })), both()] {
        let result = stage.add(&p1, &conf);
        assert_eq!(stage.devices().len(), 1);
        stage.check(&p1, &conf, &result).succeeded();
    }
    stage.del("p1", &both());
    assert_eq!((stage.devices().len(), stage.limit(p1.host_end()).0.as_str()), (0, "noqueue"));
}

#[test]
fn the_device_is_up_has_the_links_mtu_and_no_address() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    stage.node.exec(&["ip", "link", "set", p1.host_end(), "mtu", "1400"]);
    stage.add(&p1, &both());
    let device = shown(&stage.node, &["ip", "-j", "addr", "show", "dev", &stage.devices()[0]])[0].clone();
    assert_eq!([&device["mtu"], &device["addr_info"]], [&json!(1400), &json!([])]);
    assert!(device["flags"].as_array().is_some_and(|flags| flags.contains(&Value::from("UP"))), "{device}");
}

#[test]
fn a_plan_tells_of_the_limits_and_makes_none() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let before = stage.holdings();
    let conf = with(&both(), &json!({ "prevResult": p1.result, "unshapedSubnets": ["10.0.0.0/8"] }));
    let plan = stage.call_of("cni", &p1.pod, &conf).through(&["sh", "-c", "exec \"$0\" plan"]);
    let said = plan.run();
    assert_eq!(said.code, 0, "{said:?}");
    let end = p1.host_end();
    let line =
        format!("shaping {end} ingress rate 8000000bit burst 50000b limit 50000b traffic all-but 10.0.0.0/8");
    assert!(said.stdout.contains(&line), "{}", said.stdout);
    assert_eq!(stage.holdings(), before);
}
