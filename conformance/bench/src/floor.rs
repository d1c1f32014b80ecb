//! The floor: the same kernel and disk state with the fewest requests that are known, and nothing else.
//!
//! What has to be thought of is thought of before it starts: a [`Script`] holds ready messages and ready files. So the
//! program `floor` has nothing to parse, to look up, to check or to undo; it sends, writes, and ends. One process stands for
//! each plugin that a runtime runs. The state that it makes is that of our plugins, byte by byte, which a test asserts
//! (`plugins/tests/floor.rs`).

mod netlink;
mod play;
mod plugins;
mod pod;
mod records;
mod script;

pub use play::play;
pub use plugins::{Plugin, script};
pub use pod::{Pod, Reach};
pub use script::Script;
