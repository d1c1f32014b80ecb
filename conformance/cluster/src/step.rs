//! What takes how long.

use std::time::Instant;

/// Does one thing, and says how long that took.
#[allow(clippy::print_stdout, reason = "the figures are for who reads the log")]
pub fn step<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = work();
    println!("{what}: {:.1} s", begun.elapsed().as_secs_f32());
    done
}
