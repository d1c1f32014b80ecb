//! The fabric of a large cluster beside the floor, in turns, each in a node of its own: the first pass, one that changes
//! nothing, the same at a glance, one path less. `cargo bench -p host --bench fabric [PEERS [ROUNDS]]`; as root.
//! `floor host-gw|vxlan PEERS` is the floor once, for `conformance/bench/agent`: wall and CPU in milliseconds.

#[path = "fabric/floor.rs"]
mod floor;
#[path = "fabric/peers.rs"]
mod peers;

use std::thread;
use std::time::{Duration, Instant};

use host::Host;
use host::watch::Watch;
use nix::time::{ClockId, clock_gettime};
use sandbox::Place;

use floor::Floor;
use peers::{Way, enter, fabric};

/// The tunnel as the agent makes it.
const TUNNEL: &str = "
    ip link add flannel.1 type vxlan id 1 dev eth0 local 192.168.0.1 dstport 8472 nolearning
    ip address add 10.0.1.0/32 dev flannel.1; ip link set flannel.1 up";

/// Wall and CPU, the kernel's work for the thread included.
#[derive(Debug, Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

fn cost<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let cpu = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock"));
    let (start, before) = (Instant::now(), cpu());
    let done = work();
    (done, Cost { wall: start.elapsed(), cpu: cpu().saturating_sub(before) })
}

/// What was measured, by name.
type Figures = Vec<(&'static str, Cost)>;

fn floor(count: u16, way: Way) -> Figures {
    let node = enter();
    let _ears = Watch::network().expect("a socket");
    let device = match way {
        Way::Direct => "eth0",
        Way::Tunnel => {
            node.sh(TUNNEL);
            "flannel.1"
        }
    };
    let link = nix::net::if_::if_nametoindex(device).expect("a link");
    let floor = Floor::new(&peers::peers(count), way, link);
    vec![("floor", cost(|| floor.send()).1)]
}

fn ours(count: u16, way: Way) -> Figures {
    let _node = enter();
    let _ears = Watch::network().expect("a socket");
    let mut host = Host::open().expect("a socket");
    let all = fabric(&peers::peers(count), way);
    let one_less = {
        let mut fabric = all.clone();
        fabric.paths.pop();
        fabric
    };
    let (pass, first) = cost(|| host.reconcile(&all).expect("a pass"));
    assert!(pass.failures.is_empty(), "{pass}");
    let (pass, idle) = cost(|| host.reconcile(&all).expect("a pass"));
    assert!(pass.is_clean(), "{pass}");
    let (pass, glance) = cost(|| host.glance(&all).expect("a glance"));
    assert!(pass.is_some_and(|pass| pass.is_clean()), "a glance that needs a look");
    let (pass, step) = cost(|| host.step(&all, &one_less).expect("a step"));
    assert!(pass.is_some(), "a step that needs a look");
    vec![("first", first), ("idle", idle), ("glance", glance), ("step", step)]
}

/// In a thread of its own, for a node is its thread's.
fn apart(work: impl FnOnce() -> Figures + Send + 'static) -> Figures {
    thread::spawn(work).join().expect("it works")
}

/// The floor alone, for a bench of whole agents.
fn only_floor(words: &[String], count: u16) {
    let way = if words.iter().any(|word| word == "vxlan") { Way::Tunnel } else { Way::Direct };
    for (_, cost) in apart(move || floor(count, way)) {
        println!("{} {}", cost.wall.as_secs_f64() * 1e3, cost.cpu.as_secs_f64() * 1e3);
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<u16> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let (count, rounds) = (numbers.first().copied().unwrap_or(5000), numbers.get(1).copied().unwrap_or(15));
    if words.first().is_some_and(|word| word == "floor") {
        return only_floor(&words, count);
    }
    for way in [Way::Direct, Way::Tunnel] {
        let mut all: Vec<(&str, Vec<Cost>)> = Vec::new();
        for _ in 0..rounds {
            for (name, cost) in [apart(move || floor(count, way)), apart(move || ours(count, way))].concat() {
                match all.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, costs)) => costs.push(cost),
                    None => all.push((name, vec![cost])),
                }
            }
        }
        println!("{way:?}, {count} peers; ms");
        for (name, costs) in all {
            let figures = |of: fn(&Cost) -> Duration| {
                let mut list: Vec<_> = costs.iter().map(of).collect();
                list.sort_unstable();
                (list[0].as_secs_f64() * 1e3, list[list.len() / 2].as_secs_f64() * 1e3)
            };
            let ((least, median), (least_cpu, cpu)) = (figures(|cost| cost.wall), figures(|cost| cost.cpu));
            println!("{name:8} wall {least:7.2} {median:7.2}   CPU {least_cpu:7.2} {cpu:7.2}");
        }
    }
}
