//! A server that tells whoever connects who answers, and as whom it sees the caller.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{Shutdown, shutdown};

use crate::Place;

/// How long one call may take: a packet lost is sent again after one second, and then after two.
const CALL: Duration = Duration::from_secs(5);

/// A TCP server in a place, in both families. It ends with the value.
#[derive(Debug)]
pub struct Answering {
    listener: Arc<TcpListener>,
    thread: Option<JoinHandle<()>>,
}

/// What a caller was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who answered.
    pub name: String,
    /// The caller's address as the server sees it.
    pub caller: IpAddr,
}

impl Answering {
    /// Answers in a place on this port, under this name.
    ///
    /// # Panics
    /// Where the port is taken.
    #[must_use]
    pub fn start(place: &impl Place, name: &str, port: u16) -> Self {
        // A socket stays where it was opened, whoever uses it.
        let bound = place.within(|| TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)));
        let listener = match bound {
            Ok(listener) => Arc::new(listener),
            Err(error) => panic!("{name} can't listen on port {port}: {error}"),
        };
        let (accepting, name) = (Arc::clone(&listener), name.to_owned());
        let (ready, started) = mpsc::channel();
        let thread = thread::spawn(move || {
            // A thread shares its working directory with the one that made it, and who shares it can visit no machine.
            unshare(CloneFlags::CLONE_FS).expect("no privilege is needed");
            // The maker waits.
            let _ = ready.send(());
            while let Ok((mut stream, caller)) = accepting.accept() {
                // A caller may have gone.
                let _ = write!(stream, "{name} {}", caller.ip().to_canonical());
            }
        });
        started.recv().expect("the thread begins by this");
        Self { listener, thread: Some(thread) }
    }

    /// Calls a server from a place.
    ///
    /// # Errors
    /// Where nobody answers, or somebody else.
    pub fn ask(from: &impl Place, server: SocketAddr) -> io::Result<Answer> {
        let mut stream = from.within(|| TcpStream::connect_timeout(&server, CALL))?;
        stream.set_read_timeout(Some(CALL))?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        let answer = said
            .split_once(' ')
            .and_then(|(name, caller)| Some(Answer { name: name.to_owned(), caller: caller.parse().ok()? }));
        answer.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, said))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        // Ends the accepting thread's wait.
        let _ = shutdown(self.listener.as_raw_fd(), Shutdown::Both);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
