//! `portmap` on real kernels: packets from everywhere, who may have which port, and what must be gone afterwards.

mod chains;
mod crash;
mod flushing;
mod keys;
mod neighbours;
mod reference;
mod sctp;
mod sharing;
mod stage;
mod traffic;
mod udp;
mod verbs;
