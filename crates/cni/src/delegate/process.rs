//! The delegate's process.

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use super::DelegateError;
use crate::Command;

/// How often a program that an installer is still writing (`ETXTBSY`) is tried again.
const RETRIES: u32 = 8;

/// The first pause; each is twice the one before, so all of them take 1.3 s.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs a program with our whole environment, in which only the operation is another, and hands it the configuration.
/// What it writes to stderr goes to ours.
pub(super) fn run(program: &Path, command: Command, stdin: &[u8]) -> Result<Output, DelegateError> {
    let mut child = start(program, command)
        .map_err(|source| DelegateError::Start { program: program.to_owned(), source })?;
    let output = talk(&mut child, stdin).and_then(|()| child.wait_with_output());
    let output = output.map_err(|source| DelegateError::Talk { program: program.to_owned(), source })?;
    // Our own stderr may be closed; that is no reason to fail.
    let _ = io::stderr().write_all(&output.stderr);
    Ok(output)
}

fn start(program: &Path, command: Command) -> io::Result<Child> {
    let mut process = std::process::Command::new(program);
    process.env("CNI_COMMAND", command.as_str());
    process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut pauses = (0..RETRIES).map(|n| PAUSE * 2_u32.pow(n));
    patiently(&mut pauses, || process.spawn())
}

/// Tries again after each pause while the program is busy.
fn patiently<T>(
    pauses: &mut dyn Iterator<Item = Duration>,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    loop {
        match attempt() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(pauses.next().ok_or(error)?);
            }
            other => return other,
        }
    }
}

/// A delegate need not read its configuration: one that has gone away is no error. A configuration is smaller than
/// a pipe, so this does not wait for an answer that nobody reads.
fn talk(child: &mut Child, stdin: &[u8]) -> io::Result<()> {
    match child.stdin.take().map(|mut pipe| pipe.write_all(stdin)) {
        Some(Err(error)) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(busy: usize) -> (usize, Result<(), ErrorKind>) {
        let mut tries = 0;
        let result = patiently(&mut std::iter::repeat_n(Duration::ZERO, 2), || {
            tries += 1;
            if tries > busy { Ok(()) } else { Err(ErrorKind::ExecutableFileBusy.into()) }
        });
        (tries, result.map_err(|error| error.kind()))
    }

    // P-015
    #[test]
    fn a_busy_program_is_tried_again_until_the_pauses_are_used_up() {
        assert_eq!(tries(0), (1, Ok(())));
        assert_eq!(tries(2), (3, Ok(())));
        assert_eq!(tries(3), (3, Err(ErrorKind::ExecutableFileBusy)));
    }

    // P-015
    #[test]
    fn another_error_is_final() {
        let mut pauses = std::iter::repeat(Duration::ZERO);
        let result = patiently(&mut pauses, || Err::<(), _>(ErrorKind::PermissionDenied.into()));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
}
