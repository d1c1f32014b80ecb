//! Whole nodes whose Nodes are in a real API server, reached over their LAN: with our agents, with flanneld among them, and
//! with kubelets that take our conflist, and kube-proxy.

mod cluster;
mod flanneld;
mod hosts;
mod kubelets;
mod loss;
mod member;
mod reach;
mod reboot;
mod services;
mod takeover;
mod turn;
