//! Numbers that nobody else has drawn.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Any number from 0 to [`i32::MAX`]. The standard library's hashers start from the kernel's randomness.
pub(crate) fn random() -> i32 {
    let [a, b, c, d, ..] = RandomState::new().build_hasher().finish().to_ne_bytes();
    i32::from_ne_bytes([a, b, c, d]) & i32::MAX
}
