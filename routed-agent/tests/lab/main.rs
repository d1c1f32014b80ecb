//! Whole nodes: agents, our plugins and real packets, on machines of their own in private namespaces.

mod cluster;
mod files;
mod large;
mod life;
mod network_manager;
mod networkd;
mod reach;
mod reboot;
mod repair;
mod source;
mod trouble;
