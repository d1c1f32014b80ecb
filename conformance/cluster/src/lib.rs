//! A whole Kubernetes cluster on private nodes: etcd, API server, controller manager and scheduler on the first of them, containerd,
//! kubelet and kube-proxy on each, CoreDNS, and Trestle as people install it: its image, and `deploy/trestle.yaml`; IPv4 and IPv6.
//!
//! Nothing here knows the code that it tests. [`Cluster`] is where to begin; `make cluster` brings up the same to play with.

mod administrator;
mod agents;
mod ask;
mod cluster;
mod dns;
mod flannel;
mod image;
mod manifest;
mod pods;
mod step;
mod workload;

pub use administrator::{Administrator, commands};
pub use agents::Agents;
pub use ask::{Who, ask};
pub use cluster::Cluster;
pub use dns::resolver;
pub use flannel::flannels_manifest;
pub use image::Image;
pub use manifest::{deploy, dual_stack};
pub use pods::{Pod, Pods};
pub use step::{say, step};
pub use workload::{HOST_PORT, LOCAL_PORT, NODE_PORT, PORT, Workload};
