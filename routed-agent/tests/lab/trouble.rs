//! What `docs/troubleshooting.md` says: each symptom is brought about, and the status says what the page says it does.

use std::fs;
use std::path::Path;

use sandbox::{Daemon, PATIENCE, Place, eventually, without_netfilter};
use serde_json::json;

use crate::cluster::{Cluster, Member, Shape};

const PAGE: &str = include_str!("../../../docs/troubleshooting.md");

/// A part of the page, from its heading to the next.
struct Section {
    text: &'static str,
}

impl Section {
    fn of(heading: &str) -> Self {
        let start = PAGE.find(&format!("# {heading}\n")).unwrap_or_else(|| panic!("no heading {heading:?}"));
        let text = &PAGE[start..];
        Self { text: text[1..].find("\n#").map_or(text, |end| &text[..=end]) }
    }

    /// The contents of its blocks of a language.
    fn blocks(&self, language: &str) -> Vec<&'static str> {
        let fence = format!("```{language}\n");
        let parts = self.text.split(fence.as_str()).skip(1);
        parts.filter_map(|part| part.split("\n```").next()).collect()
    }

    /// Waits until the status has the line that the page shows.
    fn is_told(&self, member: &Member, question: &[&str]) {
        let [line] = self.blocks("text")[..] else { panic!("not one line in {}", self.text) };
        let mut said = String::new();
        let told = eventually(PATIENCE, || {
            said = member.agent(question).stdout;
            said.lines().any(|found| found.starts_with(line))
        });
        assert!(told, "no line {line:?} in\n{said}\n{}", member.log());
    }
}

const PROBE: [&str; 2] = ["status", "--probe"];

fn assert_whole(cluster: &Cluster) {
    let mut last = None;
    let whole = eventually(PATIENCE, || last.insert(cluster.members[0].agent(&PROBE)).code == 0);
    assert!(whole, "{last:?}");
    Section::of("Pods of two nodes do not reach each other").is_told(&cluster.members[0], &PROBE);
}

#[test]
fn a_probe_tells_on_which_way_packets_are_lost() {
    let mut cluster = Cluster::new(Shape::VXLAN, 2);
    for member in &cluster.members {
        // Sockets of IPv6 hear no IPv4, unless they ask for it.
        member.machine.sh("echo 1 >/proc/sys/net/ipv6/bindv6only");
    }
    cluster.start();
    assert_whole(&cluster);
    for heading in ["UDP 8472 is blocked on the way out", "UDP 8472 is blocked on the way in"] {
        let section = Section::of(heading);
        let [block, mend] = section.blocks("sh")[..] else { panic!("not two blocks below {heading}") };
        cluster.members[0].machine.sh(block);
        section.is_told(&cluster.members[0], &PROBE);
        assert_eq!(cluster.members[0].agent(&PROBE).code, 1, "{heading}");
        cluster.members[0].machine.sh(mend);
        assert_whole(&cluster);
    }
    // The switch's end of the first node's cable.
    cluster.node.sh("ip link set node1-eth0 mtu 1400");
    Section::of("Small packets pass, and connections hang as soon as there is data")
        .is_told(&cluster.members[0], &PROBE);
    cluster.node.sh("ip link set node1-eth0 mtu 1500");
    assert_whole(&cluster);
    cluster.members[1].kill();
    Section::of("No answer at all").is_told(&cluster.members[0], &PROBE);
    let told = cluster.members[0].agent(&["status", "--probe", "--json"]).stdout;
    let told: serde_json::Value = serde_json::from_str(&told).expect("one object");
    assert_eq!(told["probe"][0]["verdict"]["silent"]["address"], "192.0.2.2", "{told}");
}

#[test]
fn a_probe_without_a_tunnel_asks_the_nodes_themselves() {
    let mut cluster = Cluster::new(Shape::HOST_GW, 2);
    cluster.start();
    let mut last = None;
    let whole = eventually(PATIENCE, || last.insert(cluster.members[0].agent(&PROBE)).code == 0);
    assert!(whole, "{last:?}");
    let said = last.expect("it was asked");
    assert!(said.stdout.contains("Node node2, fd00:10:244:2::/64: 1500 bytes there and back"), "{said:?}");
}

/// A process of this name on a machine, which does nothing.
fn flanneld(member: &Member) -> Daemon {
    member.machine.sh("cp /bin/sleep /run/flanneld");
    let daemon =
        member.machine.within(|| Daemon::start(&["/run/flanneld", "3600"], Path::new("/run/flanneld.log")));
    let comm = format!("/proc/{}/comm", daemon.id());
    let named = || fs::read_to_string(&comm).is_ok_and(|name| name == "flanneld\n");
    assert!(eventually(PATIENCE, named), "{}", daemon.said());
    daemon
}

#[test]
fn a_node_that_can_not_work_says_why_and_what_to_do() {
    let mut cluster = Cluster::new(Shape::HOST_GW.of(&[4]), 2);
    let status = ["status"];

    let mut entries = cluster.entries();
    entries[0]["podCIDRs"] = json!([]);
    cluster.tell(&entries);
    cluster.members[0].start();
    Section::of("The Node has no podCIDR").is_told(&cluster.members[0], &status);

    let mut entries = cluster.entries();
    entries[1]["podCIDRs"] = json!(["10.244.1.0/24"]);
    cluster.tell(&entries);
    cluster.members[1].start();
    Section::of("Two Nodes have the same podCIDR").is_told(&cluster.members[1], &status);
    cluster.tell_all();
    cluster.members[0].wait_ready();

    let first = &mut cluster.members[0];
    first.kill();
    first.machine.sh("ip link set eth0 name wan0");
    first.start();
    Section::of("The interface towards the other nodes is not found").is_told(first, &status);
    first.kill();
    first.machine.sh("ip link set wan0 name eth0");

    let other = flanneld(first);
    first.start();
    Section::of("Another agent works on the node").is_told(first, &status);
    first.kill();
    drop(other);

    first.launch(&[], |agent| without_netfilter(|| agent.spawn()));
    Section::of("The kernel lacks something").is_told(first, &status);
    first.kill();

    first.machine.sh("echo '{}' >/etc/cni/net.d/05-other.conflist");
    first.start();
    Section::of("Pods get addresses of another network").is_told(first, &status);
}
