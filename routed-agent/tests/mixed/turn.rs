//! The backend changes, node after node, and later back, while packets flow.

use sandbox::{Flow, Node, PATIENCE, Place, eventually};

use crate::cluster::{Cluster, Shape};

/// All machines turn, one after the other.
fn turn(cluster: &mut Cluster, shape: Shape) {
    for number in [1, 2, 3] {
        let member = cluster.member_mut(number);
        member.terminate();
        member.write("/run/net-conf.json", &shape.net_conf());
        cluster.start_agents(&[number]);
    }
}

/// Waits until the first machine's packets to the others' pods leave by this link.
fn wait_ways(cluster: &Cluster, link: &str) {
    let member = cluster.member(1);
    let by = |number| member.ways(&cluster.shape.subnets(number)[0]).contains(&format!(" dev {link} "));
    assert!(eventually(PATIENCE, || by(2) && by(3)), "not by {link}: {}", member.paths());
}

/// Each machine's filters of what comes by a way that answers don't take: of its link to the others, and of all links.
fn filters(cluster: &Cluster) -> Vec<String> {
    let of = |member: &crate::member::Member| {
        member.machine.sh("cd /proc/sys/net/ipv4/conf; cat eth0/rp_filter all/rp_filter").stdout
    };
    cluster.members.iter().map(of).collect()
}

#[test]
fn a_rolling_change_from_host_gw_to_vxlan_and_back_loses_no_packet_whatever_rp_filter_says() {
    let node = Node::enter();
    let mut cluster = Cluster::new(&node, Shape::HOST_GW);
    // Strict on two of them by the one setting and by the other, loose on the third.
    for (number, all, eth0) in [(1, 1, 0), (2, 2, 2), (3, 0, 1)] {
        let script =
            format!("cd /proc/sys/net/ipv4/conf; echo {all} >all/rp_filter; echo {eth0} >eth0/rp_filter");
        cluster.member(number).machine.sh(&script);
    }
    let before = filters(&cluster);
    cluster.start_agents(&[1, 2, 3]);
    let pods = [1, 2, 3].map(|number| cluster.member(number).pod(&format!("pod{number}")));
    let flows: Vec<Flow> = [(0, 1), (1, 2), (2, 0)]
        .iter()
        .flat_map(|&(from, to)| {
            pods[from].reaches_whole(&pods[to]);
            pods[to]
                .addresses
                .iter()
                .map(|address| Flow::start(&pods[from].pod, *address))
                .collect::<Vec<_>>()
        })
        .collect();

    turn(&mut cluster, Shape::VXLAN);
    wait_ways(&cluster, "flannel.1");
    turn(&mut cluster, Shape::HOST_GW);
    wait_ways(&cluster, "eth0");
    for flow in flows {
        flow.end();
    }
    assert_eq!(cluster.member(1).tunnels(), []);
    assert_eq!(filters(&cluster), before);
    removed(&mut cluster);
}

/// Nothing of ours stays on the first machine, nor on its Node; its pod keeps its interface.
fn removed(cluster: &mut Cluster) {
    assert!(!cluster.announced("node1").is_empty());
    cluster.member_mut(1).terminate();
    let said = cluster.member(1).try_clean_up();
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(cluster.announced("node1"), []);
    assert_eq!(cluster.seen("node1")["status"]["conditions"], serde_json::Value::Null);
    let left = "ip route show proto 116; ip -6 route show proto 116; ip nexthop; ip link show type vxlan; \
                nft list tables | grep routed || :; ls -A /etc/cni/net.d /run/flannel; ls -A /run/trestle 2>&1 || :";
    assert_eq!(
        cluster.member(1).machine.sh(left).stdout,
        "/etc/cni/net.d:\n\n/run/flannel:\nls: cannot access '/run/trestle': No such file or directory\n"
    );
    cluster.member(1).machine.sh("ip link show cni0 && ip link show master cni0 | grep veth");
}
