//! Real runtimes and tools on a private node, with our plugins where they look for them: after each, nothing is left.

mod cnitool;
mod containerd;
mod ctr;
mod garbage;
mod network;
mod podman;
