//! `cni plan`: it says what ADD will do, and does nothing of it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use sandbox::{Call, Node, Place, Pod, Reply, Snapshot};
use serde_json::{Value, json};

use crate::network::{Network, holdings, kept};

/// The call of an ADD, for `cni plan` in its place.
fn plan(network: &Network, pod: &Pod) -> Call {
    let call = Call::new("/opt/cni/bin/cni").through(&["sh", "-c", "exec \"$0\" plan"]);
    call.container(pod.name()).netns(pod).ifname("eth0").command("ADD").conf(network.conf(&json!({})))
}

/// The lines of a plan, and the result below them.
fn parts(reply: &Reply) -> (Vec<String>, Value) {
    assert_eq!((reply.code, reply.stderr.as_str()), (0, ""), "{reply:?}");
    let (lines, result) = reply.stdout.split_once("\n\n").expect("an empty line");
    (lines.lines().map(str::to_owned).collect(), serde_json::from_str(result).expect("a result"))
}

fn has_all(text: &str, parts: &[&str]) -> bool {
    parts.iter().all(|part| text.contains(part))
}

/// Is there in the kernel what a line of a plan told?
fn stands(node: &Node, pod: &Pod, told: &str) -> bool {
    let words: Vec<&str> = told.split_whitespace().collect();
    let (place, object) = words.split_first().expect("a place");
    let run = |command: &str| match *place {
        "host" => node.sh(command).stdout,
        _ => pod.sh(command).stdout,
    };
    match *object {
        ["bridge", name] => has_all(&run(&format!("ip link show {name} type bridge")), &["UP"]),
        ["bridge", name, "mtu", mtu] => {
            has_all(&run(&format!("ip link show {name} type bridge")), &["UP", &format!("mtu {mtu} ")])
        }
        ["sysctl", path, "=", value] => run(&format!("cat /proc/sys/{path}")).trim() == value,
        ["forwarding", "IPv4"] => run("cat /proc/sys/net/ipv4/ip_forward").trim() == "1",
        ["forwarding", "IPv6"] => run("cat /proc/sys/net/ipv6/conf/all/forwarding").trim() == "1",
        ["address", address, "dev", link, ..] => {
            has_all(&run(&format!("ip addr show {link}")), &[&format!(" {address} ")])
        }
        ["link", link, "up"] => has_all(&run(&format!("ip link show {link}")), &[",UP"]),
        ["route", to, "via", gateway, "dev", link] => {
            let family = if to.contains(':') { "-6" } else { "-4" };
            has_all(&run(&format!("ip {family} route show {to}")), &[&format!("via {gateway} dev {link} ")])
        }
        ["masquerade", source, "outside", subnet] => {
            let element = format!(" {source} comment ");
            let chain = format!(": jump outside-{}", subnet.replace(':', "-"));
            rules_with(node, &element).iter().any(|line| line.contains(&chain))
        }
        ["guard", link, "lladdr", mac] => !rules_with(node, &format!("\"{link}\" . {mac} ")).is_empty(),
        ["veth", host, "address", mac, "peer", inner, "address", peer, ref more @ ..] => {
            let more = more.join(" ");
            let (mtu, port) = more.rsplit_once("master ").expect("a bridge");
            let (master, flag) = port.split_once(' ').unwrap_or((port, "learning"));
            has_all(&run(&format!("ip link show {host}")), &[mac, &format!("master {master} "), mtu])
                && has_all(&run(&format!("bridge -d link show dev {host}")), &[&format!("{flag} on")])
                && has_all(&pod.sh(&format!("ip link show {inner}")).stdout, &[peer, mtu])
        }
        _ => panic!("a line of another shape: {told}"),
    }
}

fn rules_with(node: &Node, text: &str) -> Vec<String> {
    let rules = node.exec(&["nft", "list", "ruleset"]).stdout;
    let padded = rules.lines().flat_map(|line| line.split(',')).map(|part| format!(" {} ", part.trim()));
    padded.map(|part| part.replace("{ ", "{  ")).filter(|part| part.contains(text)).collect()
}

fn networks(node: &Node) -> Vec<Network<'_>> {
    let new = |keys: Value| Network::new(node, "net1").with(&keys);
    vec![
        new(json!({})),
        new(json!({ "mtu": 1400, "enabledad": true })),
        new(json!({ "cniVersion": "1.0.0", "isDefaultGateway": false, "macspoofchk": false })),
        new(json!({ "cniVersion": "0.4.0", "isDefaultGateway": false, "isGateway": true, "ipMasq": false })),
        new(json!({ "isDefaultGateway": false, "ipMasq": false, "macspoofchk": false, "ipam": {} })),
        new(json!({ "cniVersion": "0.2.0", "hairpinMode": true })),
    ]
}

#[test]
fn plan_tells_what_add_then_makes() {
    let node = Node::enter();
    let (first, second) = (node.pod("first"), node.pod("second"));
    for network in networks(&node) {
        let fresh = node.try_exec(&["ip", "link", "show", "cni0"]).code != 0;
        for pod in [&first, &second] {
            let (lines, mut foretold) = parts(&plan(&network, pod).run());
            let result = network.add(pod);
            for line in &lines {
                assert!(stands(&node, pod, line), "ADD did not make: {line}");
            }
            // A new bridge's MAC is random.
            if fresh && pod.name() == "first" && foretold["interfaces"].is_array() {
                foretold["interfaces"][0]["mac"] = result["interfaces"][0]["mac"].clone();
            }
            assert_eq!(foretold, result);
        }
        for pod in [&first, &second] {
            network.call(pod).command("DEL").run().succeeded();
        }
    }
}

#[test]
fn the_shape_of_a_plan_is_that_of_its_documentation() {
    let node = Node::enter();
    let network = Network::new(&node, "net1").with(&json!({ "macspoofchk": false })).with_addresses_to(9);
    let pod = node.pod("c1");
    let (lines, _) = parts(&plan(&network, &pod).run());
    expect_test::expect![[r"
        host      bridge cni0
        host      sysctl net/ipv6/conf/cni0/accept_ra = 0
        host      address 10.1.2.1/24 dev cni0
        host      forwarding IPv4
        host      masquerade 10.1.2.2 outside 10.1.2.0/24
        host      veth vethec43057c07a address 0e:a5:1f:88:26:64 peer eth0 address 0a:58:0a:01:02:02 master cni0
        container address 10.1.2.2/24 dev eth0
        container link eth0 up
        container route 0.0.0.0/0 via 10.1.2.1 dev eth0"]]
    .assert_eq(&lines.join("\n"));
}

/// Times of change tell also of what was written and taken back.
fn times() -> Vec<String> {
    let time = |path: &PathBuf| {
        let metadata = fs::metadata(path).expect("nobody changes it just now");
        format!("{} {}.{}", path.display(), metadata.ctime(), metadata.ctime_nsec())
    };
    kept("/var/lib/cni").iter().map(time).collect()
}

#[test]
fn plan_changes_nothing_on_a_fresh_node() {
    let node = Node::enter();
    let pod = node.pod("c1");
    for network in networks(&node) {
        let (before, files) = (Snapshot::take(&node), times());
        parts(&plan(&network, &pod).run());
        before.assert_same(&Snapshot::take(&node));
        assert_eq!(times(), files);
        assert_eq!(pod.links(), ["lo"]);
    }
}

#[test]
fn plan_changes_nothing_beside_pods_and_waits_for_no_lock() {
    let node = Node::enter();
    let network = Network::new(&node, "net1").with_addresses_to(4);
    let [alive, dead, new] = ["alive", "dead", "new"].map(|name| node.pod(name));
    network.add(&alive);
    network.add(&dead);
    network.kill(dead);
    let (before, files) = (holdings(&node), times());
    let lock = fs::File::open("/var/lib/cni/networks/net1/lock").expect("host-local's lock");
    lock.lock().expect("nobody else has it");
    let (_, foretold) = parts(&plan(&network, &new).through(&["timeout", "20"]).run());
    assert_eq!(foretold["ips"][0]["address"], "10.1.2.4/24");
    lock.unlock().expect("it is ours");
    assert_eq!((holdings(&node), times()), (before, files));
    assert_eq!(network.add(&new), foretold);
}

#[test]
fn an_address_that_a_dead_container_holds_is_foretold_and_not_taken() {
    let node = Node::enter();
    let network = Network::new(&node, "net1").with_addresses_to(2);
    let (dead, new) = (node.pod("dead"), node.pod("new"));
    network.add(&dead);
    network.kill(dead);
    let before = holdings(&node);
    let (_, foretold) = parts(&plan(&network, &new).run());
    assert_eq!(holdings(&node), before);
    assert_eq!(network.add(&new), foretold);
}

/// What makes a good call a bad one.
type Change = fn(Call) -> Call;

/// Both, for the same call on the same node, and nothing changed by the former.
fn same_error(network: &Network, pod: &Pod, change: impl Fn(Call) -> Call) -> Value {
    let node = network.node;
    let before = holdings(node);
    let foretold = change(plan(network, pod)).run();
    assert_eq!((foretold.code, foretold.stderr.as_str()), (1, ""), "{foretold:?}");
    assert_eq!(holdings(node), before);
    let error = change(network.call(pod)).command("ADD").run().error();
    assert_eq!(foretold.error(), error);
    error
}

#[test]
fn where_add_would_fail_plan_prints_its_error() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let pod = node.pod("c1");
    let conf = |keys: Value| move |call: Call| call.conf(network_conf(&keys));
    for (keys, code) in [
        (json!({ "cniVersion": "9.9.9" }), 1),
        (json!({ "name": "" }), 7),
        (json!({ "bridge": "a/b" }), 7),
        (json!({ "hairpinMode": true, "promiscMode": true }), 7),
        (json!({ "ipam": { "type": "host-local" } }), 7),
        (json!({ "ipam": { "type": "host-local", "subnet": "10.1.2.0/31" } }), 7),
        (json!({ "bridge": "lo" }), 7),
        (json!({ "cniVersion": "0.2.0", "ipam": {} }), 999),
    ] {
        let error = same_error(&network, &pod, conf(keys.clone()));
        assert_eq!(error["code"], code, "{keys}: {error}");
    }
    let environment: [(Change, u64); 5] = [
        (|call| call.container(""), 4),
        (|call| call.ifname("a/b"), 4),
        (|call| call.env("CNI_NETNS", "/run/netns/missing"), 8),
        (|call| call.env("CNI_NETNS", "/proc/self/ns/net"), 8),
        (|call| call.conf("{"), 6),
    ];
    for (change, code) in environment {
        let error = same_error(&network, &pod, change);
        assert_eq!(error["code"], code, "{error}");
    }
    node.sh("ip link add cni0 type bridge; ip addr add 10.9.9.9/24 dev cni0");
    let gateway = same_error(&network, &pod, |call| call);
    assert_eq!(gateway["code"], 7);
    node.exec(&["ip", "addr", "flush", "dev", "cni0"]);
    network.add(&pod);
    let twice = same_error(&network, &pod, |call| call);
    assert_eq!(twice["code"], 999);
    let full = Network::new(&node, "net2").with(&json!({ "bridge": "cni1" })).with_addresses_to(2);
    let holder = node.pod("c2");
    full.add(&holder);
    let other = node.pod("c3");
    let exhausted = same_error(&full, &other, |call| call);
    assert_eq!(exhausted["code"], 11);
}

/// `Network::new`'s configuration without a node, with other keys.
fn network_conf(keys: &Value) -> Value {
    let mut conf = json!({
        "cniVersion": "1.1.0", "name": "net1", "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true,
        "ipam": { "type": "host-local", "subnet": "10.1.2.0/24" },
    });
    for (key, value) in keys.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    conf
}

#[test]
fn a_plugin_without_a_plan_and_an_operation_that_is_no_add_are_named() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let pod = node.pod("c1");
    let loopback = plan(&network, &pod).conf(network_conf(&json!({ "type": "loopback" }))).run().error();
    assert_eq!((&loopback["code"], &loopback["msg"]), (&json!(2), &json!("type: \"loopback\" has no plan")));
    let del = plan(&network, &pod).command("DEL").run().error();
    assert_eq!(del["code"], 4);
    node.sh("cp /bin/sh /opt/cni/bin/foreign");
    let foreign =
        plan(&network, &pod).conf(network_conf(&json!({ "ipam": { "type": "foreign" } }))).run().error();
    assert_eq!(foreign["code"], 2);
    assert!(foreign["msg"].as_str().is_some_and(|text| text.contains("\"foreign\"")), "{foreign}");
}
