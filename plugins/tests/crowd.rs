//! Many at once on one network: no address lost, none given twice, nothing made twice, nothing left.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::thread;

use sandbox::{Allowed, Call, Node, Place, Pod, Snapshot};
use serde_json::{Value, json};

/// Pods at once.
const CROWD: usize = 64;

/// Upstream's files of the network.
const ADDRESSES: &str = "/var/lib/cni/networks/net";

/// A node with our plugins, and pods to attach.
struct Crowd {
    node: Node,
    bin: PathBuf,
    pods: Vec<Pod>,
    before: Snapshot,
}

impl Crowd {
    fn of(pods: usize) -> Self {
        let node = Node::enter();
        let binary = std::env::var_os("TRESTLE_BINARY")
            .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_cni")), PathBuf::from);
        let bin = node.install(&binary, &["bridge", "host-local", "cni"]);
        let pods: Vec<Pod> = (0..pods).map(|number| node.pod(&format!("c{number}"))).collect();
        let before = Snapshot::take(&node);
        Self { node, bin, pods, before }
    }

    fn call(&self, command: &str, pod: &Pod) -> Call {
        let call = Call::new(self.bin.join("bridge")).command(command);
        call.container(pod.name()).netns(pod).ifname("eth0").conf(conf())
    }

    /// Everybody attached at once, in the order of the pods.
    fn attach<'a>(&self, pods: impl IntoIterator<Item = &'a Pod>) -> Vec<Value> {
        let running: Vec<_> = pods.into_iter().map(|pod| self.call("ADD", pod).spawn()).collect();
        running.into_iter().map(|call| call.wait().result()).collect()
    }

    fn detach<'a>(&self, pods: impl IntoIterator<Item = &'a Pod>) {
        let running: Vec<_> = pods.into_iter().map(|pod| self.call("DEL", pod).spawn()).collect();
        for call in running {
            call.wait().succeeded();
        }
    }

    /// The addresses in results are those in upstream's files, under the right owner, and those on the links.
    fn assert_agree<'a>(&self, attached: impl IntoIterator<Item = (&'a Pod, &'a Value)>) {
        let mut given = BTreeSet::new();
        for (pod, result) in attached {
            let addresses = addresses(result);
            assert_eq!(addresses.len(), 2, "{result}");
            let on_link = on_link(pod);
            for address in addresses {
                let file = fs::read_to_string(format!("{ADDRESSES}/{address}")).unwrap_or_default();
                assert_eq!(file, format!("{}\r\neth0", pod.name()), "{address}");
                assert!(on_link.contains(&address), "{address} is not among {on_link:?} of {}", pod.name());
                assert!(given.insert(address), "{address} was given twice");
            }
            let mut conf = conf();
            conf["prevResult"] = result.clone();
            self.call("CHECK", pod).conf(conf).run().succeeded();
        }
        assert_eq!(reserved(), given, "reserved and given");
    }

    fn assert_nothing_is_left(self) {
        let mut allowed = Allowed::after_del("cni0").to_vec();
        allowed.push(Allowed::RulesOf("trestle"));
        for pod in &self.pods {
            assert_eq!(pod.links(), ["lo"]);
        }
        self.before.forgiving(&allowed).assert_same(&Snapshot::take(&self.node));
    }
}

/// A network that is just large enough: `.1` is the gateway's, and 64 are left.
fn conf() -> Value {
    json!({
        "cniVersion": "1.1.0", "name": "net", "type": "bridge", "bridge": "cni0",
        "isDefaultGateway": true, "ipMasq": true, "macspoofchk": true,
        "ipam": { "type": "host-local", "ranges": [
            [{ "subnet": "10.88.0.0/24", "rangeStart": "10.88.0.2", "rangeEnd": "10.88.0.65" }],
            [{ "subnet": "fd88::/64", "rangeStart": "fd88::2", "rangeEnd": "fd88::41" }],
        ] },
    })
}

/// The addresses of a result.
fn addresses(result: &Value) -> Vec<IpAddr> {
    let ips = result["ips"].as_array().into_iter().flatten();
    ips.filter_map(|ip| ip["address"].as_str()?.split('/').next()?.parse().ok()).collect()
}

fn on_link(pod: &Pod) -> BTreeSet<IpAddr> {
    let links: Value =
        serde_json::from_str(&pod.exec(&["ip", "-j", "addr", "show", "dev", "eth0"]).stdout).expect("JSON");
    let found = links[0]["addr_info"].as_array().into_iter().flatten();
    found.filter_map(|address| address["local"].as_str()?.parse().ok()).collect()
}

/// The addresses that have a file.
fn reserved() -> BTreeSet<IpAddr> {
    let files = fs::read_dir(ADDRESSES).into_iter().flatten().flatten();
    files.filter_map(|file| file.file_name().to_str()?.parse().ok()).collect()
}

// P-013
#[test]
fn sixty_four_first_pods_at_once_get_one_bridge_one_gateway_and_one_set_of_rules() {
    let crowd = Crowd::of(CROWD);
    let results = crowd.attach(&crowd.pods);
    crowd.assert_agree(crowd.pods.iter().zip(&results));
    let bridge = crowd.node.exec(&["ip", "-br", "addr", "show", "dev", "cni0"]).stdout;
    for gateway in ["10.88.0.1/24", "fd88::1/64"] {
        assert_eq!(bridge.matches(gateway).count(), 1, "{bridge}");
    }
    let rules = || crowd.node.exec(&["nft", "--terse", "list", "ruleset"]).stdout;
    let of_a_crowd = rules();
    // The network is exhausted, and only then does a runtime see an error.
    let late = crowd.node.pod("late");
    assert_eq!(crowd.call("ADD", &late).run().error()["code"], 11);
    drop(late);
    crowd.detach(&crowd.pods);
    // Tables, chains and rules are those that one pod alone has made.
    crowd.node.exec(&["nft", "flush", "ruleset"]);
    let _ = crowd.attach(&crowd.pods[..1]);
    assert_eq!(of_a_crowd, rules());
    crowd.detach(&crowd.pods[..1]);
    crowd.assert_nothing_is_left();
}

// P-013
#[test]
fn adds_and_dels_mixed_lose_no_address_and_give_none_twice() {
    let crowd = Crowd::of(CROWD);
    let (left, right) = crowd.pods.split_at(CROWD / 2);
    let mut here = (left, crowd.attach(left));
    let mut there = right;
    for _ in 0..4 {
        // One half comes while the other goes.
        let coming: Vec<_> = there.iter().map(|pod| crowd.call("ADD", pod).spawn()).collect();
        let going: Vec<_> = here.0.iter().map(|pod| crowd.call("DEL", pod).spawn()).collect();
        let results: Vec<Value> = coming.into_iter().map(|call| call.wait().result()).collect();
        for call in going {
            call.wait().succeeded();
        }
        (here, there) = ((there, results), here.0);
        crowd.assert_agree(here.0.iter().zip(&here.1));
    }
    crowd.detach(here.0);
    assert_eq!(reserved(), BTreeSet::new());
    crowd.assert_nothing_is_left();
}

// P-042
#[test]
fn two_dels_of_a_container_at_once_both_succeed() {
    let crowd = Crowd::of(16);
    let _ = crowd.attach(&crowd.pods);
    crowd.detach(crowd.pods.iter().chain(&crowd.pods));
    crowd.assert_nothing_is_left();
}

// P-013
#[test]
fn the_reference_may_add_to_the_same_network_at_the_same_time() {
    let crowd = Crowd::of(32);
    let (ours, theirs) = crowd.pods.split_at(16);
    for plugins in references() {
        // The bridge is there before: this is about the addresses, which both keep in the same directory.
        let first = crowd.attach(&ours[..1]);
        let mut conf = conf();
        conf["cniVersion"] = json!("1.0.0");
        conf["ipMasq"] = json!(false);
        conf["macspoofchk"] = json!(false);
        let their_call = |command: &str, pod: &Pod| {
            let call = Call::new(plugins.join("bridge")).command(command);
            call.container(pod.name()).netns(pod).ifname("eth0").conf(&conf)
        };
        let their_adds: Vec<_> = theirs.iter().map(|pod| their_call("ADD", pod).spawn()).collect();
        let results = crowd.attach(&ours[1..]);
        let mut given: Vec<IpAddr> = first.iter().chain(&results).flat_map(addresses).collect();
        for call in their_adds {
            given.extend(addresses(&call.wait().result()));
        }
        let set: BTreeSet<_> = given.iter().copied().collect();
        assert_eq!(set.len(), given.len(), "an address was given twice: {given:?}");
        assert_eq!(reserved(), set);
        let their_dels: Vec<_> = theirs.iter().map(|pod| their_call("DEL", pod).spawn()).collect();
        crowd.detach(ours);
        for call in their_dels {
            call.wait().succeeded();
        }
        assert_eq!(reserved(), BTreeSet::new());
    }
    // Whom the reference deleted after our last DEL, our index forgets with the next.
    crowd.detach(&ours[..1]);
    crowd.assert_nothing_is_left();
}

/// Debian's plugins, and those that the environment names.
fn references() -> [PathBuf; 2] {
    let newer = std::env::var_os("TRESTLE_REFERENCE").map(PathBuf::from);
    let newer = newer.unwrap_or_else(|| sandbox::cached("plugins-1.9.1"));
    let both = [Path::new("/usr/lib/cni").to_owned(), newer];
    for directory in &both {
        let bridge = directory.join("bridge");
        assert!(bridge.exists(), "{} is missing: `make deps` brings the reference plugins", bridge.display());
    }
    both
}

// P-046, B-07
#[test]
fn gc_takes_nothing_of_those_in_its_list_while_they_come() {
    let crowd = Crowd::of(24);
    let (old, new) = crowd.pods.split_at(12);
    let (dead, living) = old.split_at(4);
    let _ = crowd.attach(dead);
    let mut results = crowd.attach(living);
    let valid = |pod: &Pod| json!({ "containerID": pod.name(), "ifname": "eth0" });
    let mut conf = conf();
    conf["cni.dev/valid-attachments"] = living.iter().chain(new).map(valid).collect();
    let gc = Call::new(crowd.bin.join("bridge")).command("GC").conf(&conf);
    results.extend(thread::scope(|scope| {
        let adds = scope.spawn(|| crowd.attach(new));
        // At least once, and then for as long as somebody comes.
        loop {
            gc.run().succeeded();
            if adds.is_finished() {
                return adds.join().expect("no panic");
            }
        }
    }));
    crowd.assert_agree(living.iter().chain(new).zip(&results));
    crowd.detach(living.iter().chain(new));
    crowd.assert_nothing_is_left();
}

// P-013
#[test]
fn a_flush_of_the_ruleset_in_the_middle_costs_no_add_and_the_next_brings_all_rules_back() {
    let crowd = Crowd::of(24);
    let (some, last) = crowd.pods.split_at(23);
    let mut results = thread::scope(|scope| {
        let adds = scope.spawn(|| crowd.attach(some));
        loop {
            crowd.node.exec(&["nft", "flush", "ruleset"]);
            if adds.is_finished() {
                return adds.join().expect("no panic");
            }
        }
    });
    crowd.node.exec(&["nft", "flush", "ruleset"]);
    results.extend(crowd.attach(last));
    crowd.assert_agree(crowd.pods.iter().zip(&results));
    crowd.detach(&crowd.pods);
    crowd.assert_nothing_is_left();
}
