//! What a pass costs in a cluster of 5,000 peers, counted: the same on every machine.

use host::Host;

use crate::peers::{Way, enter, fabric, peers};

const PEERS: u16 = 5000;

/// Requests in one send.
const AT_ONCE: u32 = 250;

/// Routes of two families and next hops are read, beyond a tunnel neighbours and forwarding entries too.
fn dumps(way: Way) -> u32 {
    if way == Way::Tunnel { 5 } else { 3 }
}

/// What there is of a path.
fn objects(way: Way) -> u32 {
    if way == Way::Tunnel { 4 } else { 2 }
}

#[test]
fn thousands_of_paths_take_few_sends_and_one_more_a_single_one() {
    for way in [Way::Direct, Way::Tunnel] {
        let _node = enter();
        let mut host = Host::open().expect("a route socket");
        let all = fabric(&peers(PEERS), way);
        let first = host.reconcile(&all).expect("a pass");
        assert!(first.failures.is_empty(), "{first}");
        let requests = u32::from(PEERS) * objects(way);
        assert_eq!(first.traffic.sends, requests.div_ceil(AT_ONCE) + dumps(way), "{way:?}");

        let idle = host.reconcile(&all).expect("a pass");
        assert!(idle.is_clean(), "{idle}");
        assert_eq!(idle.traffic.sends, dumps(way), "{way:?}");
        // Each of the kernel's messages has fewer than 128 bytes, and it fills at least 16 KiB with them.
        assert!(idle.traffic.receipts < requests * 128 / (16 << 10) + 2 * dumps(way), "{:?}", idle.traffic);

        let mut fewer = all.clone();
        fewer.paths.pop();
        let step = host.step(&all, &fewer).expect("a step").expect("it needs no look");
        assert_eq!(step.traffic.sends, 1, "{way:?}");
    }
}
