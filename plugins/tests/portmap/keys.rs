//! Keys of the configuration, and values that can't be.

use sandbox::Call;
use serde_json::{Value, json};

use crate::stage::{Stage, port, portmap};

fn error(stage: &Stage, ports: &Value, keys: &Value) -> Value {
    let conf = portmap(&json!({ "cniVersion": "1.1.0", "ips": [] }), ports, keys);
    let pod = stage.node.pod("one");
    stage.call("portmap", &pod, &conf).command("ADD").run().error()
}

// "fails with invalid mappings", "rejects nftables options with 'backend: iptables'" and the other way round
#[test]
fn a_bad_value_is_refused_by_key_and_value() {
    let stage = Stage::new();
    let host = |value: Value| json!([{ "hostPort": value, "containerPort": 80, "protocol": "tcp" }]);
    let ip = |value: &str| json!([{ "hostPort": 8080, "containerPort": 80, "hostIP": value }]);
    let good = json!([port(8080, 80, "tcp")]);
    for (ports, keys, said) in [
        (host(json!(0)), json!({}), "runtimeConfig.portMappings[0].hostPort: invalid value 0: 1 to 65535"),
        (host(json!(65536)), json!({}), "portMappings[0].hostPort: invalid value 65536"),
        (json!([{ "hostPort": 1, "containerPort": -1 }]), json!({}), "[0].containerPort: invalid value -1"),
        (json!([port(1, 1, "icmp")]), json!({}), "[0].protocol: \"icmp\" is no protocol with ports"),
        (ip("localhost"), json!({}), "[0].hostIP: invalid value \"localhost\""),
        (ip("::1"), json!({}), "the kernel lets no packet of ::1 off the loopback link"),
        (good.clone(), json!({ "backend": "ebtables" }), "backend: unrecognized backend \"ebtables\""),
        (good.clone(), json!({ "markMasqBit": 32 }), "markMasqBit: 32 is no bit"),
        (good.clone(), json!({ "markMasqBit": -1 }), "markMasqBit: -1 is no bit"),
        (
            good.clone(),
            json!({ "externalSetMarkChain": "X", "markMasqBit": 1 }),
            "externalSetMarkChain: \"X\" and markMasqBit: 1 exclude each other",
        ),
        (
            good.clone(),
            json!({ "backend": "nftables", "externalSetMarkChain": "X" }),
            "externalSetMarkChain: \"X\" is for backend iptables, not nftables",
        ),
        (
            good.clone(),
            json!({ "backend": "nftables", "conditionsV4": ["-s", "10.0.0.0/8"] }),
            "conditionsV4: \"-s 10.0.0.0/8\" is for backend iptables, not nftables",
        ),
        (
            good.clone(),
            json!({ "backend": "iptables", "conditionsV6": ["ip6", "saddr", "::1"] }),
            "conditionsV6: \"ip6 saddr ::1\" is for backend nftables, not iptables",
        ),
        (
            good.clone(),
            json!({ "conditionsV4": ["ct", "state", "new"] }),
            "conditionsV4: \"ct state new\": \"ct\" begins no condition",
        ),
    ] {
        let error = error(&stage, &ports, &keys);
        assert_eq!(error["code"], 7, "{error}");
        assert!(error["msg"].as_str().is_some_and(|text| text.contains(said)), "{said}: {error}");
    }
}

#[test]
fn a_port_that_would_lead_to_two_places_is_refused() {
    let stage = Stage::new();
    let one = stage.pod("one");
    let twice = json!([port(8080, 80, "tcp"), port(8080, 81, "tcp")]);
    let conf = portmap(&one.result, &twice, &json!({}));
    let error = stage.call("portmap", &one.pod, &conf).command("ADD").run().error();
    assert_eq!(error["code"], 7, "{error}");
    let said = "runtimeConfig.portMappings: 0.0.0.0:8080/tcp would lead to 10.88.0.2:80 and to 10.88.0.2:81";
    assert_eq!(error["msg"], said);
    let same =
        json!([port(8080, 80, "tcp"), port(8080, 80, "TCP"), crate::stage::port_of("127.0.0.1", 8080, 80)]);
    let conf = portmap(&one.result, &same, &json!({}));
    stage.call("portmap", &one.pod, &conf).command("ADD").run().succeeded();
}

// P-060: containerd's spelling
#[test]
fn keys_in_go_s_capitals_and_empty_texts_are_read_as_go_reads_them() {
    let stage = Stage::new();
    let ports = json!([{ "HostPort": 8080, "ContainerPort": 80, "Protocol": "tcp", "HostIP": "" }]);
    let one = stage.mapped("one", &ports);
    assert!(one.serves(80, &stage.router, crate::stage::at(crate::stage::NODE[1], 8080)).is_ok());
}

// "does not fail on missing prevResult interface index"
#[test]
fn an_address_of_no_named_interface_is_the_containers() {
    let stage = Stage::new();
    let mut one = stage.pod("one");
    for ip in one.result["ips"].as_array_mut().unwrap() {
        ip.as_object_mut().unwrap().remove("interface");
    }
    let conf = portmap(&one.result, &json!([port(8080, 80, "tcp")]), &json!({}));
    stage.call("portmap", &one.pod, &conf).command("ADD").run().succeeded();
    assert!(one.serves(80, &stage.router, crate::stage::at(crate::stage::NODE[0], 8080)).is_ok());
}

#[test]
fn a_call_without_prev_result_says_that_it_must_be_chained() {
    let stage = Stage::new();
    let mut conf = portmap(&json!({}), &json!([port(8080, 80, "tcp")]), &json!({}));
    conf.as_object_mut().unwrap().remove("prevResult");
    let pod = stage.node.pod("one");
    let call: Call = stage.call("portmap", &pod, &conf);
    let error = call.command("ADD").run().error();
    assert_eq!((&error["code"], error["msg"].as_str().unwrap().contains("chained")), (&json!(7), true));
}
