//! Many callers at once, as when a node starts or drains.

use std::net::IpAddr;
use std::sync::Barrier;
use std::thread;

use host::nftables::{Element, Nftables};

use crate::network::{private_network, ruleset};
use crate::rules::{guard, link, masquerade, owner};

const CALLERS: u8 = 16;

/// Starts all callers at the same moment, each with a socket of its own.
fn at_once(work: impl Fn(&mut Nftables, u8) + Sync) {
    let barrier = Barrier::new(usize::from(CALLERS));
    thread::scope(|scope| {
        for number in 0..CALLERS {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                let mut nftables = Nftables::new();
                barrier.wait();
                work(&mut nftables, number);
            });
        }
    });
}

fn add(nftables: &mut Nftables, number: u8) {
    let container = format!("c{number}");
    nftables
        .add(
            &[
                masquerade(&format!("10.1.0.{number}"), "10.1.0.0/24", &container),
                masquerade(&format!("fd00:1::{number:x}"), "fd00:1::/64", &container),
            ],
            &[guard(&format!("veth{number}"), &format!("0a:58:0a:01:00:{number:02x}"), &container)],
        )
        .unwrap();
}

fn addresses(number: u8) -> [IpAddr; 2] {
    [format!("10.1.0.{number}"), format!("fd00:1::{number:x}")].map(|address| address.parse().unwrap())
}

/// The ruleset without its elements.
fn structure() -> String {
    let mut elements = false;
    let mut kept = String::new();
    for line in ruleset().lines() {
        elements |= line.contains("elements = {");
        if !elements {
            kept += line;
            kept += "\n";
        }
        elements &= !line.ends_with('}');
    }
    kept
}

#[test]
fn callers_who_come_first_at_the_same_time_double_no_rule() {
    private_network();
    add(&mut Nftables::new(), 1);
    let wanted = structure();
    Nftables::new().remove_tables().unwrap();
    at_once(add);
    assert_eq!(structure(), wanted);
    assert_eq!(Nftables::new().owned().unwrap().len(), usize::from(CALLERS) * 4);
}

#[test]
fn callers_who_remove_at_the_same_time_remove_all_that_is_theirs_and_nothing_else() {
    private_network();
    for number in 0..CALLERS {
        add(&mut Nftables::new(), number);
    }
    add(&mut Nftables::new(), 200);
    at_once(|nftables, number| {
        let guarded = link(&format!("veth{number}"));
        nftables.remove(&owner(&format!("c{number}")), &addresses(number), Some(&guarded)).unwrap();
    });
    let left = Nftables::new().owned().unwrap();
    assert!(left.iter().all(|owned| owned.owner.is(&owner("c200"))), "{left:?}");
    assert_eq!(left.len(), 4);
}

#[test]
fn an_address_that_goes_from_hand_to_hand_ends_without_an_owner() {
    private_network();
    at_once(|nftables, number| {
        let container = format!("c{number}");
        for _ in 0..20 {
            nftables.add(&[masquerade("10.1.0.2", "10.1.0.0/24", &container)], &[]).unwrap();
            let source = "10.1.0.2".parse().unwrap();
            nftables.remove(&owner(&container), &[source], None).unwrap();
        }
        nftables
            .add(&[masquerade(&format!("10.1.0.{}", 100 + number), "10.1.0.0/24", &container)], &[])
            .unwrap();
    });
    let left = Nftables::new().owned().unwrap();
    let shared = Element::Masquerade("10.1.0.2".parse().unwrap());
    assert_eq!(left.iter().filter(|owned| owned.element != shared).count(), usize::from(CALLERS));
    // Whoever replaced the element last also removed it, for nobody else could.
    assert!(left.iter().all(|owned| owned.element != shared), "{left:?}");
}
