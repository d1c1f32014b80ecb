//! `flannel` on real kernels: what flannel's own plugin does, to the byte where others read it, and what it leaves
//! undone.

mod collecting;
mod crash;
mod life;
mod network;
mod refusing;
mod rendering;
mod saving;
mod stage;
