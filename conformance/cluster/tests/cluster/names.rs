//! Names by CoreDNS, asked by a Pod of each node.

use std::collections::BTreeSet;
use std::net::IpAddr;

use cluster::{Cluster, Pods};

/// What a Pod learns of a name: the addresses below each line that names it. `nslookup` fails where one of the names that it
/// tries by the Pod's search list isn't there.
fn look_up(cluster: &Cluster, pod: &str, name: &str) -> BTreeSet<IpAddr> {
    let said = cluster.try_kubectl(&["exec", pod, "--", "nslookup", name]).stdout;
    let lines: Vec<&str> = said.lines().collect();
    let named = lines.windows(2).filter(|pair| pair[0].starts_with("Name:"));
    let told = named.filter_map(|pair| pair[1].strip_prefix("Address:")?.trim().parse().ok());
    told.collect()
}

/// A Service has its address, one without an address its Pods', under the short name too.
pub(crate) fn all(cluster: &Cluster) {
    let web = Pods::of(cluster, "web");
    let heads: BTreeSet<IpAddr> = web.0.iter().flat_map(|pod| pod.addresses.clone()).collect();
    let seen = cluster.get(&["service", "-n=default", "own"]);
    let own: IpAddr = seen["spec"]["clusterIP"].as_str().and_then(|ip| ip.parse().ok()).expect("it has one");
    for pod in web.names() {
        assert_eq!(look_up(cluster, pod, "heads.default.svc.cluster.local"), heads);
        assert_eq!(look_up(cluster, pod, "own"), [own].into());
    }
}
