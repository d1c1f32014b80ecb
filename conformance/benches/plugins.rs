//! `cargo bench -p conformance`: plugins beside others and beside a floor. What comes after `--` goes to `conformance/bench/run`.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // cargo's own word is no one's of the script.
    let words = std::env::args().skip(1).filter(|word| word != "--bench");
    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/run");
    match Command::new(run).args(words).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
