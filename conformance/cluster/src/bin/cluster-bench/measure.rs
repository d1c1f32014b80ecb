//! One contender on one cluster.

use std::thread;
use std::time::{Duration, Instant};

use cluster::{Administrator, Cluster, Workload, commands};
use sandbox::{Attached, Flow, IMAGE, Node, Place, ProxyMode};
use serde_json::{Value, json};

use crate::contender::{Contender, Way};
use crate::figures::{Figures, Lost};
use crate::watch::Watch;

const PAGE: &str = include_str!("../../../../../deploy/README.md");

/// So many Pods one after the other, after one that is not counted: it finds everything cold.
const ALONE: u32 = 10;

/// So often a kubelet asks its runtime what runs. Pods are made at every part of that time: made as soon as the last one was seen, all
/// would be seen one such time later, the quick and the slow alike.
const RELIST: Duration = Duration::from_secs(1);

/// So many at once.
const CROWD: u16 = 30;

/// A tick of `/proc`'s clock.
const TICK: Duration = Duration::from_millis(10);

/// All of it.
pub(crate) fn all(contender: &Contender) -> Figures {
    let node = Node::enter();
    let cluster = Cluster::start(&node, &[ProxyMode::Iptables, ProxyMode::Nftables]);
    (contender.prepare)(&cluster);
    let begun = Instant::now();
    (contender.install)(&cluster);
    let mut figures = Figures { ready: vec![begun.elapsed()], ..Figures::default() };
    pods(&cluster, contender, &mut figures);
    lost(&cluster, contender, &mut figures);
    figures
}

/// From a Pod's creation until it runs, and what processors do meanwhile.
fn pods(cluster: &Cluster, contender: &Contender, figures: &mut Figures) {
    let watch = Watch::start(cluster);
    cluster.apply(&[pod("cold-1", "node1"), pod("cold-2", "node2")]);
    watch.running("cold-", 2);
    let (begun, plugins) = (Instant::now(), children(cluster));
    let before = agent(cluster, contender);
    for number in 0..ALONE {
        thread::sleep(RELIST * number / ALONE);
        let name = format!("alone-{number}");
        cluster.apply(&[pod(&name, "node1")]);
        figures.alone.extend(watch.running(&name, 1));
    }
    cluster.apply(&[Workload::deployment("crowd", CROWD).on("node1").asleep().object()]);
    figures.crowd.extend(watch.running("crowd-", usize::from(CROWD)));
    let made = ALONE + u32::from(CROWD);
    figures.plugins.push(children(cluster).saturating_sub(plugins) / made);
    let worked = agent(cluster, contender).saturating_sub(before);
    figures.agent.push(worked.div_f64(begun.elapsed().as_secs_f64()));
}

/// Packets between Pods of two nodes, both ways, while the agents are replaced and brought back, and while Trestle
/// takes over.
fn lost(cluster: &Cluster, contender: &Contender, figures: &mut Figures) {
    let pods = [0, 1].map(|index| cluster.nodes()[index].pod(&format!("cold-{}", index + 1)));
    pods[0].reaches_whole(&pods[1]);
    let (namespace, name) = contender.agents;
    let set = format!("daemonset/{name}");
    let rollout = |words: &[&str]| {
        cluster.kubectl(&[&["rollout"], words, &["-n", namespace, &set]].concat());
        cluster.wait_rolled_out(&set, namespace);
    };
    figures.upgrade.push(meanwhile(&pods, || rollout(&["restart"])));
    figures.rollback.push(meanwhile(&pods, || rollout(&["undo"])));
    if contender.way == Way::FromFlannel {
        figures.take_over.push(meanwhile(&pods, || take_over(cluster)));
    }
}

fn take_over(cluster: &Cluster) {
    let administrator = Administrator::of(cluster);
    let blocks = commands(PAGE, "### From flannel");
    let [install, leave, turn, end, _] = blocks.as_slice() else { panic!("{blocks:#?}") };
    for (block, node) in [(install, ""), (leave, ""), (turn, "node1"), (turn, "node2"), (end, "")] {
        administrator.run(block, node);
    }
    cluster.wait_ready();
}

fn meanwhile(pods: &[Attached; 2], work: impl FnOnce()) -> Lost {
    let [one, other] = pods;
    let flows = [(one, other), (other, one)].map(|(from, to)| Flow::start(&from.pod, to.addresses[0]));
    work();
    flows.into_iter().map(Flow::count).fold(Lost::default(), |sum, counted| Lost {
        sent: sum.sent + counted.sent,
        lost: sum.lost + (counted.sent - counted.answered),
    })
}

/// What the first node's agent and its children took of a processor so far.
fn agent(cluster: &Cluster, contender: &Contender) -> Duration {
    let line =
        cluster.nodes()[0].sh(&format!("cat /proc/$(busybox pidof {})/stat", contender.process)).stdout;
    times(&line).iter().sum()
}

/// What children of the first node's containerd took of a processor: plugins, and whoever starts a shim.
fn children(cluster: &Cluster) -> Duration {
    let line = cluster.nodes()[0].sh("cat /proc/$(busybox pidof containerd)/stat").stdout;
    times(&line)[2..].iter().sum()
}

/// `proc_pid_stat(5)`: its own time as a user and in the kernel, and that of children who ended.
fn times(line: &str) -> [Duration; 4] {
    let (_, rest) = line.rsplit_once(") ").expect("the command is in brackets");
    let mut fields = rest.split(' ').skip(11);
    [(); 4].map(|()| TICK * fields.next().and_then(|field| field.parse().ok()).expect("a number of ticks"))
}

/// A Pod that sleeps.
fn pod(name: &str, node: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": node},
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "containers": [{"name": "main", "image": IMAGE, "imagePullPolicy": "Never"}],
        },
    })
}
