//! Does what the script on standard input says: see the library's module `floor`. A step that the kernel refuses ends it
//! with status 1.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use bench::floor::play;
use nix::errno::Errno;

fn main() -> ExitCode {
    let mut script = Vec::with_capacity(16 * 1024);
    let read = io::stdin().lock().read_to_end(&mut script).map_err(|_| Errno::EIO);
    match read.and_then(|_| play(&script)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody but a person reads it.
            let _ = writeln!(io::stderr(), "floor: {error}");
            ExitCode::FAILURE
        }
    }
}
