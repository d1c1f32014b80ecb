//! `dhcp daemon`: leases outlive the plugin's process, so somebody has to look after them.
//!
//! One thread waits for calls, one for the time; each call, and each attachment whose lease is due, has a thread of its
//! own. All that is known is on disk, so a daemon may be killed at any time, and the next one goes on.

mod flags;

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use cni::{Command, Failure, Request, Success};
use host::service::{self, Ending};

use super::call::{self, Caller};
use super::desk::Desk;
use super::error::StoreError;
use super::log;
use flags::{Flags, FlagsError};

/// Containers that vanish are looked for this often, in seconds.
const ROUND: u64 = 30;

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Flags(#[from] FlagsError),
    #[error(transparent)]
    Host(#[from] host::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("Error writing pidfile {0:?}: path not absolute")]
    RelativePidfile(PathBuf),
    #[error("cannot {verb} {path}: {source}")]
    File { verb: &'static str, path: PathBuf, source: io::Error },
    #[error("Too many ({0}) FDs passed through socket activation")]
    TooManySockets(usize),
    #[error("another daemon is at work")]
    Another,
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

/// Runs the daemon by these arguments, until it is told to end.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let started = Flags::parse(arguments).map_err(StartError::from).and_then(|flags| run(&flags));
    match started {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::say(&error.to_string());
            ExitCode::from(if matches!(error, StartError::Flags(_)) { 2 } else { 1 })
        }
    }
}

fn run(flags: &Flags) -> Result<(), StartError> {
    let given = match service::sockets() {
        0 => None,
        1 => Some(service::listener()?),
        many => return Err(StartError::TooManySockets(many)),
    };
    let own = given.is_none();
    let ending = Ending::expect()?;
    write_pidfile(flags)?;
    let desk = Arc::new(Desk::new(&flags.host_prefix, flags.manner));
    let _lock = desk.store.lock()?.ok_or(StartError::Another)?;
    let socket = flags.socket();
    let listener = given.map_or_else(|| listen(&socket), Ok)?;
    let (wake, woken) = mpsc::channel();
    let keeper = Arc::clone(&desk);
    start(move || keep(&keeper, &woken))?;
    start(move || serve(&listener, &desk, &wake))?;
    ending.wait()?;
    if own {
        // The next daemon removes it otherwise.
        let _ = fs::remove_file(&socket);
    }
    if let Some(pidfile) = &flags.pidfile {
        let _ = fs::remove_file(pidfile);
    }
    Ok(())
}

fn start(work: impl FnOnce() + Send + 'static) -> Result<(), StartError> {
    thread::Builder::new().spawn(work).map(drop).map_err(StartError::Thread)
}

fn file(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StartError {
    let path = path.to_owned();
    move |source| StartError::File { verb, path, source }
}

fn write_pidfile(flags: &Flags) -> Result<(), StartError> {
    let Some(path) = &flags.pidfile else { return Ok(()) };
    if !path.is_absolute() {
        return Err(StartError::RelativePidfile(path.clone()));
    }
    let written = fs::File::create(path).and_then(|mut file| write!(file, "{}", std::process::id()));
    written.map_err(file("write", path))
}

/// The store's lock tells that no other daemon lives, so a socket that is there is a dead one's.
fn listen(path: &Path) -> Result<UnixListener, StartError> {
    if let Some(directory) = path.parent() {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(file("create", directory))?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(file("remove", path)(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(file("listen at", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(file("protect", path))?;
    Ok(listener)
}

/// Looks after leases when they are due, and at once when there are new ones.
fn keep(desk: &Arc<Desk>, woken: &Receiver<()>) {
    loop {
        let next = desk.look_after().unwrap_or_else(|error| {
            log::say(&error.to_string());
            u64::MAX
        });
        let now = host::boot::uptime().unwrap_or(0);
        let pause = next.saturating_sub(now).clamp(1, ROUND);
        match woken.recv_timeout(Duration::from_secs(pause)) {
            // Several at once are one.
            Ok(()) => while woken.try_recv().is_ok() {},
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn serve(listener: &UnixListener, desk: &Arc<Desk>, wake: &Sender<()>) {
    for stream in listener.incoming() {
        let (desk, wake) = (Arc::clone(desk), wake.clone());
        let served = stream.and_then(|stream| {
            thread::Builder::new().spawn(move || {
                if let Err(error) = attend(&stream, &desk) {
                    log::say(&format!("a call was not answered: {error}"));
                }
                // It ends with the process only.
                let _ = wake.send(());
            })
        });
        if let Err(error) = served {
            log::say(&format!("a call was not taken: {error}"));
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn attend(stream: &UnixStream, desk: &Desk) -> io::Result<()> {
    call::answer(stream, |request, caller| carry_out(desk, request, caller))
}

fn carry_out(desk: &Desk, request: &Request, caller: &Caller<'_>) -> Result<Option<Success>, Failure> {
    match request.command {
        Command::Add => desk.add(request, caller).map(Some),
        Command::Del => desk.del(request).map(|()| None),
        Command::Check => desk.check(request).map(|()| None),
        Command::Gc => desk.gc(request).map(|()| None),
        Command::Status | Command::Version => Ok(None),
    }
}
