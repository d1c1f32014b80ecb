//! What people do by kubectl, which goes through the API server and the kubelet.

use cluster::{Cluster, PORT, Pods, Who};

/// Runs a program in each Pod, reads its log, and has the API server itself call it.
pub(crate) fn all(cluster: &Cluster) {
    for pod in Pods::of(cluster, "web").0 {
        assert_eq!(cluster.kubectl(&["exec", &pod.name, "--", "hostname"]).stdout.trim(), pod.name);
        assert_eq!(cluster.kubectl(&["logs", &pod.name]).stdout, "here\n");
        let path = format!("/api/v1/namespaces/default/pods/{}:{PORT}/proxy/cgi-bin/who", pod.name);
        let said = cluster.kubectl(&["get", "--raw", &path]).stdout;
        assert!(said.starts_with(&pod.name), "{}: {said}", pod.name);
    }
    // The server asks a Pod at its first address, and a Service's Pods at those of the Service's first family.
    for (service, name) in [("web", "IPv4"), ("six", "IPv6")] {
        let path = format!("/api/v1/namespaces/default/services/{service}:{PORT}/proxy/cgi-bin/who");
        let said = cluster.kubectl(&["get", "--raw", &path]).stdout;
        let caller = Who::parse(&said).map(|who| who.caller);
        assert_eq!(caller.map(|caller| caller.is_ipv6()), Some(name == "IPv6"), "{service}: {said}");
    }
}
