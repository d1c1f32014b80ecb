//! Whole nodes whose Nodes are in a real API server, reached over their LAN: with our agents, and with flanneld among them.

mod cluster;
mod flanneld;
mod loss;
mod member;
mod reach;
mod takeover;
