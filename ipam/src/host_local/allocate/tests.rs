//! The reference's table of rounds, on a shelf in memory.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::*;
use crate::host_local::config::{Place, WhenExhausted};
use crate::host_local::range::Written;

#[derive(Default)]
struct Memory {
    taken: BTreeSet<IpAddr>,
    dead: BTreeSet<IpAddr>,
    last: Option<IpAddr>,
    looks: usize,
    lists: Cell<usize>,
}

impl Memory {
    fn new(taken: &[&str], last: &str) -> Self {
        let taken = taken.iter().map(|address| address.parse().unwrap()).collect();
        Self { taken, last: last.parse().ok(), ..Self::default() }
    }
}

impl Shelf for Memory {
    fn take(&mut self, address: IpAddr) -> Result<bool, StoreError> {
        self.looks += 1;
        let taken = self.taken.insert(address);
        if taken {
            self.last = Some(address);
        }
        Ok(taken)
    }

    fn heal(&mut self, address: IpAddr) -> Result<bool, StoreError> {
        Ok(self.dead.remove(&address) && self.taken.remove(&address))
    }

    fn hindrance(&self) -> Option<String> {
        None
    }

    fn taken(&self) -> Result<Vec<IpAddr>, StoreError> {
        self.lists.set(self.lists.get() + 1);
        Ok(self.taken.iter().copied().collect())
    }

    fn last_reserved(&self, _: usize) -> Option<IpAddr> {
        self.last
    }
}

fn settings(sets: &[&[&str]], requested: &[&str]) -> Settings {
    let written = |subnet: &&str| Written { subnet: Some(subnet.parse().unwrap()), ..Written::default() };
    let set = |subnets: &&[&str]| RangeSet::new(&subnets.iter().map(written).collect::<Vec<_>>()).unwrap();
    Settings {
        place: Place { data_dir: "/".into(), network: "test".to_owned() },
        sets: sets.iter().map(set).collect(),
        requested: requested.iter().map(|address| address.parse().unwrap()).collect(),
        routes: Vec::new(),
        dns: cni::Dns::default(),
        subnet_file: None,
        when_exhausted: WhenExhausted::default(),
    }
}

fn run(settings: &Settings, shelf: &mut Memory) -> Result<Vec<String>, String> {
    let applicant = Applicant { container: "c1", holds: Vec::new() };
    let ips = allocate(settings, &applicant, shelf).map_err(|error| error.to_string())?;
    Ok(ips.iter().map(|ip| format!("{} by {}", ip.address, ip.gateway.unwrap())).collect())
}

/// The ranges, what is taken, what was given last, what is given now.
type Turn = (&'static [&'static str], &'static [&'static str], &'static str, &'static str);

const ROUNDS: &[Turn] = &[
    (&["10.0.0.0/29"], &[], "", "10.0.0.2/29 by 10.0.0.1"),
    (&["2001:db8:1::0/64"], &[], "", "2001:db8:1::2/64 by 2001:db8:1::1"),
    (&["10.0.0.0/30"], &[], "", "10.0.0.2/30 by 10.0.0.1"),
    (&["10.0.0.0/29"], &["10.0.0.2"], "", "10.0.0.3/29 by 10.0.0.1"),
    (&["10.0.0.0/29"], &[], "10.0.0.5", "10.0.0.6/29 by 10.0.0.1"),
    (&["10.0.0.0/29"], &["10.0.0.4", "10.0.0.5"], "10.0.0.3", "10.0.0.6/29 by 10.0.0.1"),
    (&["10.0.0.0/29"], &["10.0.0.6"], "10.0.0.5", "10.0.0.2/29 by 10.0.0.1"),
    (&["10.0.0.0/29"], &["10.0.0.2"], "10.0.0.128", "10.0.0.3/29 by 10.0.0.1"),
    (
        &["10.0.0.0/29"],
        &["10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6"],
        "10.0.0.3",
        "10.0.0.3/29 by 10.0.0.1",
    ),
    (&["10.0.0.0/30", "10.0.1.0/30"], &[], "", "10.0.0.2/30 by 10.0.0.1"),
    (&["10.0.0.0/30", "10.0.1.0/30"], &[], "10.0.0.2", "10.0.1.2/30 by 10.0.1.1"),
    (&["10.0.0.0/30", "10.0.1.0/30", "10.0.2.0/30"], &[], "10.0.2.2", "10.0.0.2/30 by 10.0.0.1"),
];

#[test]
fn addresses_are_given_round_robin() {
    for (ranges, taken, last, given) in ROUNDS {
        let given = vec![(*given).to_owned()];
        assert_eq!(
            run(&settings(&[ranges], &[]), &mut Memory::new(taken, last)),
            Ok(given),
            "{ranges:?} {last}"
        );
    }
}

#[test]
fn the_broadcast_address_is_never_given_and_then_the_range_is_exhausted() {
    let (settings, mut shelf) = (settings(&[&["192.168.1.0/29"]], &[]), Memory::default());
    for last in 2..7 {
        assert_eq!(run(&settings, &mut shelf), Ok(vec![format!("192.168.1.{last}/29 by 192.168.1.1")]));
    }
    assert_eq!(
        run(&settings, &mut shelf).unwrap_err(),
        "failed to allocate for range 0: no IP addresses available in range set: 192.168.1.1-192.168.1.6"
    );
}

#[test]
fn an_address_that_was_given_back_is_not_the_next_to_be_given() {
    let (settings, mut shelf) = (settings(&[&["192.168.1.0/29"]], &[]), Memory::default());
    assert_eq!(run(&settings, &mut shelf), Ok(vec!["192.168.1.2/29 by 192.168.1.1".to_owned()]));
    shelf.taken.clear();
    assert_eq!(run(&settings, &mut shelf), Ok(vec!["192.168.1.3/29 by 192.168.1.1".to_owned()]));
}

#[test]
fn each_set_gives_one_address_and_what_is_requested_comes_from_its_own_set() {
    let sets: &[&[&str]] = &[&["10.0.0.0/29"], &["10.0.1.0/29", "10.0.2.0/29"], &["2001:db8::/64"]];
    assert_eq!(
        run(&settings(sets, &["2001:db8::99", "10.0.2.4"]), &mut Memory::default()),
        Ok(["10.0.0.2/29 by 10.0.0.1", "10.0.2.4/29 by 10.0.2.1", "2001:db8::99/64 by 2001:db8::1"]
            .map(str::to_owned)
            .to_vec())
    );
}

#[test]
fn a_request_that_can_not_be_met_is_refused_in_the_words_of_the_reference() {
    for (requested, text) in [
        (
            &["192.168.1.5"][..],
            "failed to allocate for range 0: requested IP address 192.168.1.5 is not available in range set 192.168.1.1-192.168.1.6",
        ),
        (&["192.168.1.1"], "failed to allocate for range 0: requested ip 192.168.1.1 is subnet's gateway"),
        (&["192.168.1.7"], "failed to allocate all requested IPs: 192.168.1.7"),
        (&["192.168.1.2", "192.168.1.3", "::9"], "failed to allocate all requested IPs: 192.168.1.3 ::9"),
    ] {
        let mut shelf = Memory::new(&["192.168.1.5"], "");
        assert_eq!(run(&settings(&[&["192.168.1.0/29"]], requested), &mut shelf).unwrap_err(), text);
    }
}

#[test]
fn an_attachment_gets_no_second_address_of_a_set() {
    let applicant = Applicant { container: "c1", holds: vec!["10.0.0.3".parse().unwrap()] };
    let settings = settings(&[&["10.0.0.0/29"]], &[]);
    let error = allocate(&settings, &applicant, &mut Memory::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to allocate for range 0: 10.0.0.3 has been allocated to c1, duplicate allocation is not allowed"
    );
}

#[test]
fn the_work_to_find_a_free_address_is_bounded_by_few_looks_and_one_list() {
    let addresses: Vec<String> = (2..2000).map(|n| format!("10.0.{}.{}", n / 256, n % 256)).collect();
    let taken: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let mut shelf = Memory::new(&taken, "10.0.0.9");
    assert_eq!(
        run(&settings(&[&["10.0.0.0/16"]], &[]), &mut shelf),
        Ok(vec!["10.0.7.208/16 by 10.0.0.1".to_owned()])
    );
    assert_eq!((shelf.looks, shelf.lists.get()), (PROBES + 1, 1));
}

#[test]
fn a_range_is_exhausted_only_after_every_holder_was_judged() {
    let addresses: Vec<String> = (2..255).map(|n| format!("10.0.0.{n}")).collect();
    let taken: Vec<&str> = addresses.iter().map(String::as_str).collect();
    for dead in ["10.0.0.2", "10.0.0.10", "10.0.0.99", "10.0.0.254"] {
        let mut shelf = Memory::new(&taken, "10.0.0.99");
        shelf.dead.insert(dead.parse().unwrap());
        let given = vec![format!("{dead}/24 by 10.0.0.1")];
        assert_eq!(run(&settings(&[&["10.0.0.0/24"]], &[]), &mut shelf), Ok(given));
    }
}

#[test]
fn a_requested_address_is_taken_from_the_dead() {
    let mut shelf = Memory::new(&["10.0.0.5"], "");
    shelf.dead.insert("10.0.0.5".parse().unwrap());
    let given = vec!["10.0.0.5/29 by 10.0.0.1".to_owned()];
    assert_eq!(run(&settings(&[&["10.0.0.0/29"]], &["10.0.0.5"]), &mut shelf), Ok(given));
}
