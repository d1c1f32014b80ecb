//! `firewall` on real kernels: who is heard, who is kept apart, and what is left.

mod accepting;
mod firewalld;
mod keys;
mod lasting;
mod reference;
mod separating;
mod stage;
