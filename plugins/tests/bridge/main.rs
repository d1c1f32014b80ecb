//! `bridge` on real kernels: every key, every version, both families, and what must be gone afterwards.

mod attaching;
mod checking;
mod delegation;
mod deletion;
mod failing;
mod gateway;
mod masquerade;
mod network;
mod reference;
mod routes;
mod spoofing;
mod stage;
mod uplink;
mod versions;
mod vlan_support;
