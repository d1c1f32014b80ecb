//! What keeps a node well: GC, STATUS, healing, what an administrator does, a kernel that lacks something, and pods that
//! the reference plugins made.

mod dead;
mod gc;
mod install;
mod kernel_lacks;
mod names;
mod network;
mod plan;
mod reference_pods;
mod restore;
mod status;
mod uninstall;
