//! The fabric in the real kernel: what `ip` and `bridge` show of it, what packets find, and how it heals.

#[path = "fabric/change.rs"]
mod change;
#[path = "fabric/count.rs"]
mod count;
#[path = "fabric/flannel.rs"]
mod flannel;
#[path = "fabric/glance.rs"]
mod glance;
#[path = "fabric/golden.rs"]
mod golden;
#[path = "../benches/fabric/peers.rs"]
mod peers;
#[path = "fabric/repair.rs"]
mod repair;
#[path = "fabric/scene.rs"]
mod scene;
#[path = "fabric/step.rs"]
mod step;
#[path = "fabric/traffic.rs"]
mod traffic;
#[path = "fabric/uplink.rs"]
mod uplink;
#[path = "fabric/watch.rs"]
mod watch;
