//! `bandwidth` on real kernels, behind `bridge` in a list: every key, both directions, both families, and what must be
//! gone afterwards.

mod adding;
mod checking;
mod crash;
mod deletion;
mod garbage;
mod measuring;
mod network;
mod reference;
mod refusing;
mod stage;
mod subnets;
