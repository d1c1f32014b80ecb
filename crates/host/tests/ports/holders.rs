//! One port, and two who want it.

use std::sync::Barrier;
use std::thread;

use host::nftables::{Claim, Error, Nftables, Owner};
use netstate::{Attachment, Ports};

use crate::asked::{owner, ports};
use crate::network::{private_network, ruleset};
use crate::{add, alone, missing, stands};

/// Who holds which ports.
fn held() -> Vec<String> {
    let owned = Nftables::new().owned_ports().unwrap();
    let mut held: Vec<String> =
        owned.iter().filter_map(|port| Some(format!("{} {}", port.from?, port.owner))).collect();
    held.sort();
    held
}

fn refused(ports: &Ports) -> String {
    let before = ruleset();
    let error = Nftables::new().add_ports(ports, &mut stands).unwrap_err();
    assert!(matches!(error, Error::PortTaken { .. }), "{error}");
    assert_eq!(ruleset(), before);
    error.to_string()
}

#[test]
fn who_asks_for_a_port_of_somebody_else_is_told_whose_it_is() {
    for (held, asked, said) in [
        ("80/tcp", "80/tcp", "port 0.0.0.0:80/tcp"),
        ("80/tcp", "192.0.2.1:80/tcp", "port 192.0.2.1:80/tcp"),
        ("192.0.2.1:80/tcp", "80/tcp", "port 0.0.0.0:80/tcp"),
        ("192.0.2.1:80/tcp", "192.0.2.1:80/tcp", "port 192.0.2.1:80/tcp"),
        ("80-90/tcp", "85/tcp", "port 0.0.0.0:85/tcp"),
        ("85/tcp", "80-90/tcp", "port 0.0.0.0:80-90/tcp"),
        ("80-90/tcp", "192.0.2.1:90-99/tcp", "port 192.0.2.1:90-99/tcp"),
    ] {
        private_network();
        let keeps =
            |text: &str, to| format!("{text}={to}:{}", text.rsplit(':').next().unwrap()[..2].to_owned());
        add(&ports("one", &[&keeps(held, "10.1.0.2")]));
        let asked = ports("two", &[&keeps(asked, "10.1.0.3")]);
        assert_eq!(refused(&asked), format!("{said} is taken by net/one/eth0"), "{held}");
        assert_eq!(missing(&asked), [format!("{said} is taken by net/one/eth0")], "{held}");
    }
}

#[test]
fn ports_that_no_packet_could_confuse_are_free() {
    private_network();
    for (number, asked) in [
        "192.0.2.1:80/tcp=10.1.0.2:80",
        "192.0.2.2:80/tcp=10.1.0.3:80",
        "80/udp=10.1.0.4:80",
        "80/sctp=10.1.0.5:80",
        "81-99/tcp=10.1.0.6:81",
        "80-99/tcp=[fd00:1::7]:80",
    ]
    .iter()
    .enumerate()
    {
        add(&ports(&format!("c{number}"), &[asked]));
    }
    assert_eq!(held().len(), 6);
}

#[test]
fn a_dead_holder_is_replaced_and_its_late_removal_takes_nothing() {
    private_network();
    let old = ports("dead", &["80/tcp=10.1.0.2:80", "90-99/udp=10.1.0.2:90"]);
    let new = ports("one", &["80/tcp=10.1.0.2:8080", "192.0.2.1:95-97/udp=10.1.0.2:95"]);
    add(&old);
    let mut asked = Vec::new();
    let mut void = |holder: &Owner| {
        asked.push(holder.to_string());
        Claim::Void
    };
    Nftables::new().add_ports(&new, &mut void).unwrap();
    assert_eq!(asked, ["net/dead/eth0"; 2]);
    let of_the_new = held();
    assert_eq!(of_the_new, ["0.0.0.0:80/tcp net/one/eth0", "192.0.2.1:95-97/udp net/one/eth0"]);
    Nftables::new().remove_ports(&old, &mut alone).unwrap();
    assert_eq!(held(), of_the_new);
    assert_eq!(missing(&new), [""; 0]);
}

#[test]
fn a_container_that_asks_twice_keeps_the_port_where_it_was() {
    private_network();
    let first = ports("one", &["80/tcp=10.1.0.2:80"]);
    let second = Ports {
        owner: Attachment { network: "other".into(), ifname: "eth1".into(), ..owner("one") },
        ..ports("one", &["80/tcp=10.2.0.2:80", "81/tcp=10.2.0.2:81"])
    };
    add(&first);
    let mut shared = |_: &Owner| Claim::Shared;
    let mut nftables = Nftables::new();
    nftables.add_ports(&second, &mut shared).unwrap();
    assert_eq!(held(), ["0.0.0.0:80/tcp net/one/eth0", "0.0.0.0:81/tcp other/one/eth1"]);
    assert!(nftables.missing_ports(&second, &mut shared).unwrap().is_empty());
    nftables.remove_ports(&second, &mut alone).unwrap();
    assert_eq!(held(), ["0.0.0.0:80/tcp net/one/eth0"]);
    // The first goes alone: in one step all that the second asks for is its own.
    nftables.add_ports(&second, &mut shared).unwrap();
    nftables.remove_ports(&first, &mut |_| vec![second.clone()]).unwrap();
    assert_eq!(held(), ["0.0.0.0:80/tcp other/one/eth1", "0.0.0.0:81/tcp other/one/eth1"]);
    assert!(ruleset().contains(": 10.2.0.2 . 80") && !ruleset().contains("10.1.0.2 comment"));
    assert_eq!(missing(&second), [""; 0]);
}

#[test]
fn of_sixteen_who_ask_at_once_for_one_port_one_gets_it_and_everybody_his_own() {
    private_network();
    let barrier = Barrier::new(16);
    let got: usize = thread::scope(|scope| {
        let callers: Vec<_> = (0..16)
            .map(|number| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let (container, address) = (format!("c{number}"), format!("10.1.0.{}", number + 2));
                    let own = ports(&container, &[&format!("{}/tcp={address}:80", 8000 + number)]);
                    let wanted = ports(&container, &[&format!("80/tcp={address}:80")]);
                    barrier.wait();
                    add(&own);
                    usize::from(Nftables::new().add_ports(&wanted, &mut stands).is_ok())
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    assert_eq!((got, held().len()), (1, 17));
    let rules = ruleset().matches("fib daddr type local jump ports").count();
    assert_eq!(rules, 2, "{}", ruleset());
}
