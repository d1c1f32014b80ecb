//! A node is taken over from flanneld, and handed back to it, in place.

use sandbox::{Attached, Call, Flow, Node, PATIENCE, Place, eventually};

use crate::cluster::{Cluster, SERVER, Shape};

/// A chain as a flanneld makes it that works by xtables-legacy, which no program of an image can remove.
const LEGACY: &str = "iptables-legacy -t nat -N FLANNEL-POSTRTG; \
     iptables-legacy -t nat -A POSTROUTING -m comment --comment 'flanneld masq' -j FLANNEL-POSTRTG";

/// All that is flanneld's on a machine but its files, routes and tunnels.
const RULES: &str = "nft list ruleset | grep -iE 'flannel-|flanneld ' || :";
const LEGACY_RULES: &str = "iptables-legacy-save 2>/dev/null | grep FLANNEL || :";

/// Pods on the first two machines, a flow between them in each family, and connections of the first to outside, which
/// somebody has to masquerade all the while.
fn flowing(cluster: &Cluster) -> ([Attached; 2], Vec<Flow>) {
    let [a, b] = [1, 2].map(|number| cluster.member(number).pod(&format!("pod{number}")));
    a.reaches_whole(&b);
    let mut flows: Vec<Flow> = b.addresses.iter().map(|address| Flow::start(&a.pod, *address)).collect();
    for outside in cluster.shape.underlay(SERVER) {
        let outside = outside.split_once('/').expect("it has a prefix length").0.parse().expect("an address");
        a.pod.ping(outside);
        flows.push(Flow::of_connections(&a.pod, outside));
    }
    ([a, b], flows)
}

/// Do the first machine's routes to a Node's pods bear our mark (all, none, or some of them)?
fn routes_of_ours(cluster: &Cluster, number: u8) -> Option<bool> {
    let ways =
        cluster.shape.subnets(number).iter().map(|subnet| cluster.member(1).ways(subnet)).collect::<String>();
    let routes = ways.lines().filter(|line| line.contains(" dev eth0") || line.contains(" dev flannel"));
    let ours: Vec<bool> = routes.map(|line| line.contains("proto 116") || line.contains("nhid")).collect();
    let first = *ours.first()?;
    ours.iter().all(|one| *one == first).then_some(first)
}

/// How flanneld ends.
enum End {
    Term,
    Kill,
}

/// flanneld goes, and ours comes in its place, which is killed on the way and comes again.
fn take_over(cluster: &mut Cluster, end: &End) {
    let (announced, tunnels) = (cluster.announced("node1"), cluster.member(1).tunnels());
    let flanneld = cluster.member_mut(1).keep_running();
    cluster.start_agent(1);
    cluster.member(1).wait_status("not ready: flanneld (process ");
    assert_eq!(routes_of_ours(cluster, 2), Some(false), "two agents on a node");
    let told = || cluster.api.kubectl(&["get", "events", "--field-selector=reason=NetworkProblem"]).stdout;
    let said =
        eventually(PATIENCE, || told().contains("node/node1") && told().contains("flanneld (process "));
    assert!(said, "{}", told());
    match end {
        End::Term => cluster.member(1).machine.within(|| flanneld.terminate()),
        End::Kill => drop(flanneld),
    }
    assert!(
        eventually(PATIENCE, || routes_of_ours(cluster, 2) != Some(false)),
        "{}",
        cluster.member(1).log()
    );
    cluster.member_mut(1).kill();
    cluster.start_agents(&[1]);
    assert_eq!(cluster.member(1).tunnels(), tunnels, "device and MAC stay");
    assert_eq!(cluster.announced("node1"), announced);
    for number in [2, 3] {
        cluster.wait_route(1, number, Some(number));
        assert_eq!(routes_of_ours(cluster, number), Some(true));
    }
    // flanneld's word on the Node stood until ours took its place: its pods had a network all the while. A
    // request that its agent was killed in has no answer, and is made once more.
    assert!(eventually(PATIENCE, || speaks(cluster) == "TrestleIsUp"), "{}", cluster.member(1).log());
    let made = cluster.api.requests("trestle-routed-agent");
    let to_node1 = made.iter().filter(|one| one.uri.starts_with("/api/v1/nodes/node1/status?"));
    let written = to_node1.filter(|one| one.code == 200).count();
    assert!(written <= 1, "{made:?}");
}

/// Who says on the first machine's Node whether its pods have a network.
fn speaks(cluster: &Cluster) -> String {
    let conditions = cluster.seen("node1")["status"]["conditions"].clone();
    let all = conditions.as_array().into_iter().flatten();
    let reasons = all.filter(|one| one["type"] == "NetworkUnavailable").map(|one| one["reason"].as_str());
    reasons.flatten().collect()
}

/// Nothing of flanneld's is on the first machine but what an operator has to remove, and is told how.
fn flanneld_is_gone(cluster: &Cluster) {
    let member = cluster.member(1);
    let left = || member.machine.sh(RULES).stdout;
    assert!(eventually(PATIENCE, || left().is_empty()), "{}\n{}", left(), member.log());
    assert_eq!(member.conflists(), ["10-trestle.conflist"]);
    let status = member.status().stdout;
    let told = "flanneld's chain iptables-legacy nat FLANNEL-POSTRTG is there still; run: ";
    let command = status.lines().find_map(|line| line.split_once(told));
    let (_, command) = command.unwrap_or_else(|| panic!("{status}"));
    member.machine.sh(command);
    assert_eq!(member.machine.sh(LEGACY_RULES).stdout, "");
}

/// A pod that flannel's plugin made is deleted by our network configuration.
fn delete(cluster: &Cluster, pod: &Attached, name: &str) {
    let member = cluster.member(1);
    let mut conf = member.conflist()["plugins"][0].clone();
    conf["name"] = "cbr0".into();
    conf["cniVersion"] = "1.0.0".into();
    let file = |address: &std::net::IpAddr| format!("/var/lib/cni/networks/cbr0/{address}");
    let saved = || member.machine.sh(&format!("find /var/lib/cni/flannel -name '{name}*'")).stdout;
    assert!(!saved().is_empty(), "what flannel's plugin saved of it");
    member.machine.within(|| {
        let call = Call::new("/opt/cni/bin/bridge").command("DEL").container(name).ifname("eth0");
        call.netns(&pod.pod).conf(&conf).run().succeeded();
    });
    let held = pod.addresses.iter().filter(|address| member.read(&file(address)).is_some());
    assert_eq!(held.count(), 0, "its addresses are free");
    assert_eq!(saved(), "");
}

/// Somebody cleans up a node that has flannel's network configuration again, and our paths still.
fn cleaned_up_too_early(cluster: &Cluster) {
    let member = cluster.member(1);
    member.give_flannels_conflist();
    let said = member.try_clean_up();
    assert_eq!(said.code, 1, "{said:?}");
    let why = "/10-flannel.conflist is there, so this node's pods are flannel's, but their packets go by what is ours";
    assert!(said.stderr.contains(why) && said.stderr.contains("cleanup --to-flannel"), "{said:?}");
    assert_eq!(routes_of_ours(cluster, 2), Some(true));
}

/// Somebody cleans up a node that was handed back: flannel keeps all that it needs.
fn cleaned_up_late(cluster: &Cluster) {
    let member = cluster.member(1);
    let flannels = || {
        let env = member.read("/run/flannel/subnet.env");
        (env, member.conflists(), member.tunnels(), cluster.announced("node1"), speaks(cluster))
    };
    let before = flannels();
    assert!(before.0.is_some() && before.4 == "FlannelIsUp", "{before:?}");
    let said = member.try_clean_up();
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(flannels(), before);
    let ours = "nft list tables | grep trestle-routed || :; ls /run/trestle 2>/dev/null || :";
    assert_eq!(member.machine.sh(ours).stdout, "");
}

/// Whoever comes anew has an address of nobody who lives.
fn is_new(pod: &Attached, others: &[&Attached]) {
    let taken = |address| others.iter().any(|other| other.addresses.contains(address));
    assert!(!pod.addresses.iter().any(taken), "{pod:?} among {others:?}");
}

fn taken_over_and_handed_back(shape: Shape, end: &End) {
    let node = Node::enter();
    let mut cluster = Cluster::new(&node, shape);
    cluster.start_flanneld(1);
    cluster.start_agents(&[2, 3]);
    let gone = cluster.member(1).pod("gone");
    let ([a, b], flows) = flowing(&cluster);
    assert!(!cluster.member(1).machine.sh(RULES).stdout.is_empty(), "flanneld has rules");
    cluster.member(1).machine.sh(LEGACY);

    take_over(&mut cluster, end);
    flanneld_is_gone(&cluster);
    // Pods of before and after.
    let (c, d) = (cluster.member(1).pod("new"), cluster.member(3).pod("pod3"));
    is_new(&c, &[&a, &gone]);
    delete(&cluster, &gone, "gone");
    crate::reach::all_reach_all(&[&a, &b, &c, &d]);
    // A flanneld that can't be seen, as from a pod, tells of itself by what it makes again and again.
    let refused = || {
        cluster.member(1).machine.sh("nft add table ip flannel-ipv4");
        let status = cluster.member(1).status().stdout;
        status.starts_with(
            "not ready: flanneld works on this node too: table ip flannel-ipv4: it was made again",
        )
    };
    assert!(eventually(PATIENCE, refused), "{}", cluster.member(1).log());

    let (announced, tunnels) = (cluster.announced("node1"), cluster.member(1).tunnels());
    cluster.member_mut(1).terminate();
    cleaned_up_too_early(&cluster);
    cluster.member(1).hand_over();
    assert_eq!(cluster.member(1).conflists(), ["10-flannel.conflist"]);
    for number in [2, 3] {
        cluster.wait_route(1, number, Some(number));
        assert_eq!(routes_of_ours(&cluster, number), Some(false));
    }
    cluster.start_flanneld(1);
    assert_eq!(cluster.member(1).tunnels(), tunnels, "device and MAC stay");
    assert_eq!(cluster.announced("node1"), announced);
    cleaned_up_late(&cluster);
    is_new(&cluster.member(1).pod("back"), &[&a, &c]);
    for flow in flows {
        flow.end();
    }

    // flanneld can delete and change what was ours.
    cluster.member_mut(2).terminate();
    cluster.api.kubectl(&["delete", "node", "node2"]);
    cluster.wait_route(1, 2, None);
    cluster.member(2).move_to(22);
    cluster.join(2, "node2", 2);
    cluster.start_agents(&[2]);
    cluster.wait_route(1, 2, Some(22));
    a.reaches_whole(&b);
    b.reaches_whole(&a);
}

#[test]
fn a_node_is_taken_over_from_flanneld_over_vxlan_and_handed_back_without_losing_a_packet() {
    taken_over_and_handed_back(Shape::VXLAN, &End::Term);
}

#[test]
fn a_node_is_taken_over_from_a_killed_flanneld_with_nftables_over_host_gw_and_handed_back() {
    taken_over_and_handed_back(Shape::HOST_GW.by_nftables(), &End::Kill);
}

#[test]
fn a_node_is_taken_over_from_flanneld_with_direct_routing_and_handed_back() {
    taken_over_and_handed_back(Shape::DIRECT, &End::Term);
}
