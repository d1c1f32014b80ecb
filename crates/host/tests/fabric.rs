//! The fabric in the real kernel: what `ip` and `bridge` show of it, what packets find, and how it heals.

#[path = "fabric/flannel.rs"]
mod flannel;
#[path = "fabric/golden.rs"]
mod golden;
#[path = "fabric/scene.rs"]
mod scene;
