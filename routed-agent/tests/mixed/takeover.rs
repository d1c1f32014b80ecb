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
    member.machine.within(|| {
        let call = Call::new("/opt/cni/bin/bridge").command("DEL").container(name).ifname("eth0");
        call.netns(&pod.pod).conf(&conf).run().succeeded();
    });
    let held = pod.addresses.iter().filter(|address| member.read(&file(address)).is_some());
    assert_eq!(held.count(), 0, "its addresses are free");
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
    cluster.member(1).hand_over();
    assert_eq!(cluster.member(1).conflists(), ["10-flannel.conflist"]);
    for number in [2, 3] {
        cluster.wait_route(1, number, Some(number));
        assert_eq!(routes_of_ours(&cluster, number), Some(false));
    }
    cluster.start_flanneld(1);
    assert_eq!(cluster.member(1).tunnels(), tunnels, "device and MAC stay");
    assert_eq!(cluster.announced("node1"), announced);
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
