//! One port and several containers.

use sandbox::{PATIENCE, Place, eventually};
use serde_json::json;

use crate::stage::{Attached, BACKENDS, NODE, Stage, at, bridge, port, port_of, portmap};

fn ports() -> serde_json::Value {
    json!([port(8080, 80, "tcp")])
}

// B-21
#[test]
fn a_second_container_is_told_who_holds_the_port_and_gets_it_afterwards() {
    let stage = Stage::new();
    let one = stage.mapped("one", &ports());
    let Attached { pod, result, .. } = stage.pod("two");
    let by = |backend: &str| json!({ "backend": backend });
    for (asked, backend) in [
        (ports(), "nftables"),
        (ports(), "iptables"),
        (json!([port_of("127.0.0.1", 8080, 80)]), "nftables"),
        (json!([port_of("::", 8080, 1)]), "iptables"),
    ] {
        let two = portmap(&result, &asked, &by(backend));
        let error = stage.call("portmap", &pod, &two).command("ADD").run().error();
        assert_eq!(error["code"], 11, "{error}");
        let said = error["msg"].as_str().unwrap();
        assert!(said.ends_with(":8080/tcp is taken by net/one/eth0"), "{said}");
        assert_eq!(stage.left_of("two"), "");
    }
    assert!(one.serves(80, &stage.router, at(NODE[0], 8080)).is_ok());
    let mut two = Attached { conf: portmap(&result, &ports(), &json!({})), pod, result };
    for backend in ["iptables", "nftables"] {
        stage.verb("DEL", &one).succeeded();
        two = stage.map(two, &ports(), &by(backend));
        // The late DEL, of the old attachment, finds nothing that is its own, and its late ADD fails.
        stage.verb("DEL", &one).succeeded();
        for backend in BACKENDS {
            let conf = portmap(&one.result, &ports(), &by(backend));
            let error = stage.call("portmap", &one.pod, &conf).command("ADD").run().error();
            assert!(error["msg"].as_str().unwrap().ends_with("is taken by net/two/eth0"), "{error}");
        }
        stage.verb("CHECK", &two).succeeded();
        assert!(two.serves(80, &stage.router, at(NODE[0], 8080)).is_ok(), "{backend}");
        stage.verb("DEL", &two).succeeded();
    }
}

// B-21, plugins#1190
#[test]
fn a_dead_holder_is_replaced() {
    let stage = Stage::new();
    for (held, asked) in [("nftables", "nftables"), ("nftables", "iptables"), ("iptables", "nftables")] {
        let (one, two) = (format!("one-{held}-{asked}"), format!("two-{held}-{asked}"));
        let Attached { pod, conf, .. } = stage.mapped_with(&one, &ports(), &json!({ "backend": held }));
        let two = stage.pod(&two);
        let keys = json!({ "backend": asked });
        let two = Attached { conf: portmap(&two.result, &ports(), &keys), ..two };
        pod.remove();
        // The kernel buries a namespace when it has time.
        assert!(eventually(PATIENCE, || stage.verb("ADD", &two).code == 0), "{:?}", stage.verb("ADD", &two));
        let gone = stage.node.pod(&one);
        stage.call("portmap", &gone, &conf).env("CNI_NETNS", "").command("DEL").run().succeeded();
        stage.verb("CHECK", &two).succeeded();
        assert!(two.serves(80, &stage.router, at(NODE[0], 8080)).is_ok(), "{held} {asked}");
        assert_eq!(stage.left_of(&one), "");
        stage.verb("DEL", &two).succeeded();
    }
}

// B-19, as nerdctl asks
#[test]
fn the_same_container_on_two_networks_may_ask_for_the_port_on_both() {
    let stage = Stage::new();
    let one = stage.mapped("one", &ports());
    let mut second = bridge();
    for (key, value) in [("name", json!("other")), ("bridge", json!("cni1"))] {
        second[key] = value;
    }
    second["ipam"]["ranges"] = json!([[{ "subnet": "10.89.0.0/24" }]]);
    second.as_object_mut().unwrap().remove("isDefaultGateway");
    second["isGateway"] = json!(true);
    let add = stage.call("bridge", &one.pod, &second).ifname("eth1").command("ADD").run().result();
    let mut conf = portmap(&add, &ports(), &json!({}));
    conf["name"] = json!("other");
    let call = |command| stage.call("portmap", &one.pod, &conf).ifname("eth1").command(command).run();
    call("ADD").succeeded();
    call("CHECK").succeeded();
    call("DEL").succeeded();
    stage.verb("CHECK", &one).succeeded();
    assert!(one.serves(80, &stage.router, at(NODE[0], 8080)).is_ok());
    // The first goes alone: the port leads to the second from the same moment on, whoever came first after a flush.
    for flushed in ["", "nft flush ruleset; /opt/cni/bin/cni restore"] {
        stage.verb("ADD", &one).succeeded();
        call("ADD").succeeded();
        stage.node.sh(flushed);
        stage.verb("DEL", &one).succeeded();
        call("CHECK").succeeded();
        let rules = stage.node.exec(&["nft", "list", "map", "inet", "trestle", "ports4"]).stdout;
        assert!(rules.contains(": 10.89.0.2 . 80") && !rules.contains(": 10.88."), "{flushed}: {rules}");
        call("DEL").succeeded();
        assert_eq!(stage.left_of("one"), "");
    }
}

// B-20
#[test]
fn two_interfaces_of_a_container_on_one_network_have_ports_of_their_own() {
    for backend in BACKENDS {
        let stage = Stage::new();
        let keys = json!({ "backend": backend });
        let one = stage.mapped_with("one", &ports(), &keys);
        let mut second = bridge();
        second.as_object_mut().unwrap().remove("isDefaultGateway");
        second["isGateway"] = json!(true);
        let add = stage.call("bridge", &one.pod, &second).ifname("eth1").command("ADD").run().result();
        let conf = portmap(&add, &json!([port(8081, 80, "tcp")]), &keys);
        let call = |command| stage.call("portmap", &one.pod, &conf).ifname("eth1").command(command).run();
        call("ADD").succeeded();
        stage.verb("DEL", &one).succeeded();
        call("CHECK").succeeded();
        let Attached { pod, .. } = one;
        let two = Attached { pod, result: add, conf: conf.clone() };
        assert!(two.serves(80, &stage.router, at(NODE[0], 8081)).is_ok(), "{backend}");
        assert!(two.is_shut(80, &stage.router, at(NODE[0], 8080)), "{backend}");
    }
}

// "deletes chains idempotently in parallel"; the canary of "creates and destroys a chain"
#[test]
fn sixteen_containers_get_their_ports_at_once() {
    let stage = Stage::new();
    let canary = "-A CNI-HOSTPORT-DNAT -s 198.51.100.1/32 -m comment --comment canary -j RETURN";
    stage.node.sh(&format!("iptables-nft -t nat -N CNI-HOSTPORT-DNAT; iptables-nft -t nat {canary}"));
    let pods: Vec<Attached> = (0..16)
        .map(|number| {
            let pod = stage.pod(&format!("c{number}"));
            let ports = json!([port(8000 + number, 80, "tcp"), port(9000, 9000, "sctp")]);
            let own = if number == 0 { ports } else { json!([ports[0]]) };
            let keys = json!({ "backend": BACKENDS[usize::from(number % 2)] });
            Attached { conf: portmap(&pod.result, &own, &keys), ..pod }
        })
        .collect();
    let verb = |command: &str| {
        let calls: Vec<_> = pods
            .iter()
            .map(|one| stage.call("portmap", &one.pod, &one.conf).command(command).spawn())
            .collect();
        for call in calls {
            call.wait().succeeded();
        }
    };
    verb("ADD");
    for (number, one) in (8000..).zip(&pods) {
        assert!(one.serves(80, &stage.router, at(NODE[0], number)).is_ok(), "{number}");
    }
    verb("CHECK");
    verb("DEL");
    for one in &pods {
        assert_eq!(stage.left_of(one.pod.name()), "");
    }
    assert_eq!(stage.node.sh("nft list ruleset | grep -c 'jump ports'").stdout, "2\n");
    let rules = stage.node.exec(&["iptables-nft-save", "-t", "nat"]).stdout;
    assert!(rules.contains(canary) && !rules.contains("CNI-DN-"), "{rules}");
}
