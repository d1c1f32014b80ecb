//! What takes how long.

use std::time::Instant;

/// Does one thing, and says how long that took.
pub fn step<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = work();
    say(&format!("{what}: {:.1} s", begun.elapsed().as_secs_f32()));
    done
}

/// Says a figure.
#[allow(clippy::print_stdout, reason = "the figures are for who reads the log")]
pub fn say(what: &str) {
    println!("{what}");
}
