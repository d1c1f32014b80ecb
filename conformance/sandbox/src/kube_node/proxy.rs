//! kube-proxy: `kubeproxy.config.k8s.io/v1alpha1`.

use serde_json::json;

use crate::{Containerd, Daemon, Node, Place, cached};

/// How kube-proxy makes Services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyMode {
    /// By rules of iptables.
    Iptables,
    /// By maps of nftables.
    Nftables,
}

/// Starts one for the Node of this name, with the kubelet's rights.
pub(super) fn start(node: &Node, containerd: &Containerd, (name, mode): (&str, ProxyMode)) -> Daemon {
    let runtime = containerd.runtime();
    let scratch = runtime.scratch().display().to_string();
    let mode = match mode {
        ProxyMode::Iptables => "iptables",
        ProxyMode::Nftables => "nftables",
    };
    let config = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": mode,
        "hostnameOverride": name,
        "clientConnection": {"kubeconfig": format!("{scratch}/kubeconfig")},
        // Who comes over the pods' bridge is a pod of this node.
        "detectLocalMode": "BridgeInterface",
        "detectLocal": {"bridgeInterface": "cni0"},
        // A namespace can't change these.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "oomScoreAdj": 0,
    });
    runtime.within(|| node.write(format!("{scratch}/proxy.json"), &config.to_string()));
    let program = cached("kubernetes/kube-proxy").display().to_string();
    runtime.start("kube-proxy", &[&program, &format!("--config={scratch}/proxy.json")])
}
