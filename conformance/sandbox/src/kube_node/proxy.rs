//! kube-proxy: `kubeproxy.config.k8s.io/v1alpha1`.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use serde_json::json;

use crate::{Containerd, Daemon, Node, PATIENCE, Place, cached};

/// Where it answers by default.
const HEALTH: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 10256);

/// How kube-proxy makes Services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyMode {
    /// By rules of iptables.
    Iptables,
    /// By maps of nftables.
    Nftables,
}

/// Starts one for the Node of this name, with the kubelet's rights, and waits for nothing.
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

/// Waits until it has written its rules.
pub(super) fn wait(proxy: &mut Daemon, containerd: &Containerd) {
    proxy.until("kube-proxy has written its rules", || {
        let health = containerd.runtime().within(health).unwrap_or_default();
        ["IPv4", "IPv6"].iter().all(|family| health.contains(&format!("\"{family}\":")))
    });
}

/// What it says of itself: each family, with the time of its last change, as soon as there was one.
fn health() -> io::Result<String> {
    let mut stream = TcpStream::connect(HEALTH)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
