//! How long the fabric takes: medians over some rounds, each in a network of its own.
//!
//! `cargo run --release -p host --example fabric -- [PATHS [ROUNDS]]`, as root.

use std::env;
use std::fs::File;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::{Duration, Instant};

use host::Host;
use host::fabric::Shape;
use netstate::{Checksums, Fabric, Mac, Path, Via, Vxlan};
use nix::sched::{CloneFlags, unshare};

/// A way to lay the fabric, and its name.
type Contender = (&'static str, fn(u32) -> Fabric, Shape);

const CONTENDERS: &[Contender] = &[
    ("host-gw, next hop objects", direct, Shape::NextHops),
    ("host-gw, plain routes", direct, Shape::Plain),
    ("vxlan, next hop objects", tunnelled, Shape::NextHops),
    ("vxlan, plain routes", tunnelled, Shape::Plain),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = env::args().skip(1).map(|word| word.parse());
    let paths = numbers.next().transpose()?.unwrap_or(5000);
    let rounds = numbers.next().transpose()?.unwrap_or(9);
    let mut out = io::stdout().lock();
    writeln!(out, "{paths} paths, median of {rounds} rounds: ms wall (ms CPU)")?;
    let mut networks = Vec::new();
    for (name, make, shape) in CONTENDERS {
        let fabric = make(paths);
        let (mut first, mut again, mut one) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let mut host = private_network()?;
            // What takes a network of thousands of routes down must not run beside the next round.
            networks.push(File::open("/proc/thread-self/ns/net")?);
            first.push(timed(|| host.reconcile_as(&fabric, *shape))?);
            again.push(timed(|| host.reconcile_as(&fabric, *shape))?);
            let mut changed = fabric.clone();
            changed.paths.pop();
            one.push(timed(|| host.reconcile_as(&changed, *shape))?);
        }
        let (first, again, one) = (median(first), median(again), median(one));
        writeln!(out, "{name}: from nothing {first}, nothing differs {again}, one path gone {one}")?;
    }
    let peak = std::fs::read_to_string("/proc/self/status")?;
    let peak = peak.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    writeln!(out, "{peak}")?;
    Ok(())
}

/// Wall and CPU time of a pass in which nothing fails.
fn timed(
    pass: impl FnOnce() -> Result<host::fabric::Pass, host::Error>,
) -> Result<(Duration, Duration), Box<dyn std::error::Error>> {
    let (start, cpu) = (Instant::now(), cpu()?);
    let done = pass()?;
    let took = (start.elapsed(), self::cpu()?.saturating_sub(cpu));
    match done.failures.into_iter().next() {
        Some(failure) => Err(failure.into()),
        None => Ok(took),
    }
}

/// What this thread has had of the CPU, the kernel's work for it included.
fn cpu() -> Result<Duration, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(Duration::from_nanos(nanoseconds))
}

fn median(mut times: Vec<(Duration, Duration)>) -> String {
    times.sort_unstable();
    let (wall, cpu) = times[times.len() / 2];
    format!("{:.1} ({:.1})", wall.as_secs_f64() * 1e3, cpu.as_secs_f64() * 1e3)
}

/// A network namespace with an underlay that has 10.0.0.1/8.
fn private_network() -> Result<Host, Box<dyn std::error::Error>> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let script = "ip link add eth0 type veth peer name eth1 && ip addr add 10.0.0.1/8 dev eth0 && \
                  ip link set eth0 up && ip link set eth1 up";
    let made = Command::new("sh").args(["-c", script]).status()?;
    if made.success() { Ok(Host::open()?) } else { Err("the underlay can't be made".into()) }
}

fn direct(paths: u32) -> Fabric {
    fabric(paths, |node| Via::Direct { gateway: endpoint(node) })
}

fn tunnelled(paths: u32) -> Fabric {
    let mut fabric = fabric(paths, |node| {
        let [_, b, c, d] = node.to_be_bytes();
        Via::Tunnel { mac: Mac([0x0e, 0, 0, b, c, d]), endpoint: endpoint(node) }
    });
    fabric.tunnels.push(Vxlan {
        name: "flannel.1".parse().expect("a link's name"),
        vni: 1,
        port: None,
        underlay: "eth0".parse().expect("a link's name"),
        local: endpoint(1),
        mac: Mac([0x0e, 0, 0, 0, 0, 1]),
        mtu: 1450,
        learning: false,
        group_policy: false,
        checksums: Checksums::Offloaded,
        address: IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)).into(),
    });
    fabric
}

fn fabric(paths: u32, via: impl Fn(u32) -> Via) -> Fabric {
    let networks = vec!["100.0.0.0/8".parse().expect("a network")];
    let path = |node: u32| {
        let subnet = Ipv4Addr::from(u32::from(Ipv4Addr::new(100, 64, 0, 0)) + (node << 8));
        let subnet = ipnetwork::IpNetwork::new(subnet.into(), 24).expect("24 bits of 32");
        Path { subnet, via: via(node) }
    };
    let paths = (2..paths + 2).map(path).collect();
    Fabric { tunnels: Vec::new(), underlay: Some("eth0".parse().expect("a name")), networks, paths }
}

/// A node's address.
fn endpoint(node: u32) -> IpAddr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + node).into()
}
