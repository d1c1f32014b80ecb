//! Names by CoreDNS, asked by a Pod of each node.

use std::collections::BTreeSet;
use std::net::IpAddr;

use cluster::{Cluster, Pods};
use sandbox::CLUSTER_DNS;

use crate::services;

/// What a Pod learns of a name by this server: the addresses below each line that names it. `nslookup` fails where one of the
/// names that it tries by the Pod's search list isn't there.
fn look_up(cluster: &Cluster, pod: &str, (name, server): (&str, &str)) -> BTreeSet<IpAddr> {
    let said = cluster.try_kubectl(&["exec", pod, "--", "nslookup", name, server]).stdout;
    let lines: Vec<&str> = said.lines().collect();
    let named = lines.windows(2).filter(|pair| pair[0].starts_with("Name:"));
    let told = named.filter_map(|pair| pair[1].strip_prefix("Address:")?.trim().parse().ok());
    told.collect()
}

/// A Service has its addresses, one without an address its Pods', under the short name too, of both families and asked in both.
pub(crate) fn all(cluster: &Cluster) {
    let web = Pods::of(cluster, "web");
    let heads: BTreeSet<IpAddr> = web.0.iter().flat_map(|pod| pod.addresses.clone()).collect();
    let own: BTreeSet<IpAddr> = services::addresses(cluster, "own").into_iter().collect();
    assert_eq!((heads.len(), own.len()), (2 * web.0.len(), 2));
    for (pod, server) in web.names().into_iter().flat_map(|pod| CLUSTER_DNS.map(|server| (pod, server))) {
        assert_eq!(look_up(cluster, pod, ("heads.default.svc.cluster.local", server)), heads);
        assert_eq!(look_up(cluster, pod, ("own", server)), own);
    }
}
