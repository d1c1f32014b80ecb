//! Names by CoreDNS, asked by a Pod of each node.

use std::collections::BTreeSet;
use std::net::IpAddr;

use cluster::{Cluster, Pods};
use sandbox::CLUSTER_DNS;

use crate::services;

/// What a Pod learns by `nslookup` of a name, and of a server where one is named: the addresses below each line that names it.
/// It fails where one of the names that it tries by the Pod's search list isn't there.
fn look_up(cluster: &Cluster, pod: &str, question: &[&str]) -> BTreeSet<IpAddr> {
    let said = cluster.try_kubectl(&[&["exec", pod, "--", "nslookup"], question].concat()).stdout;
    let lines: Vec<&str> = said.lines().collect();
    let named = lines.windows(2).filter(|pair| pair[0].starts_with("Name:"));
    let told = named.filter_map(|pair| pair[1].strip_prefix("Address:")?.trim().parse().ok());
    told.collect()
}

/// A Service has its addresses, one without an address its Pods', of both families and asked in both; under the short name
/// too.
pub(crate) fn all(cluster: &Cluster) {
    let web = Pods::of(cluster, "web");
    let heads: BTreeSet<IpAddr> = web.0.iter().flat_map(|pod| pod.addresses.clone()).collect();
    let own: BTreeSet<IpAddr> = services::addresses(cluster, "own").into_iter().collect();
    assert_eq!((heads.len(), own.len()), (2 * web.0.len(), 2));
    for pod in web.names() {
        for server in CLUSTER_DNS {
            assert_eq!(look_up(cluster, pod, &["heads.default.svc.cluster.local", server]), heads);
        }
        assert_eq!(look_up(cluster, pod, &["own"]), own);
    }
}
