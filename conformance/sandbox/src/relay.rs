//! A cable between a client and a server that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// No limit.
const WHOLE: u64 = u64::MAX;

/// Carries TCP connections to a server, until it is cut.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    cable: Arc<Cable>,
}

#[derive(Debug)]
struct Cable {
    server: SocketAddr,
    /// The bytes that may still come from the server, of all connections together.
    left: AtomicU64,
    connections: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// Listens on a port of the loopback address, in the calling thread's node.
    ///
    /// # Panics
    /// Where that can't be done.
    #[must_use]
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the node has a loopback address");
        let address = listener.local_addr().expect("it was given a port");
        let cable =
            Arc::new(Cable { server, left: AtomicU64::new(WHOLE), connections: Mutex::new(Vec::new()) });
        let far = Arc::clone(&cable);
        // It ends with the process, and holds nothing but its port.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                far.carry(client);
            }
        });
        Self { address, cable }
    }

    /// Where clients reach the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All connections end, and new ones at once.
    pub fn cut(&self) {
        self.cut_after(0);
        self.cable.end();
    }

    /// Cuts itself when the server has sent so many bytes more.
    pub fn cut_after(&self, bytes: u64) {
        self.cable.left.store(bytes, Ordering::SeqCst);
    }

    /// New connections hold again.
    pub fn mend(&self) {
        self.cable.left.store(WHOLE, Ordering::SeqCst);
    }
}

impl Cable {
    fn carry(self: &Arc<Self>, client: TcpStream) {
        if self.left.load(Ordering::SeqCst) == 0 {
            return;
        }
        // No server: the client sees the connection end.
        let Ok(server) = TcpStream::connect(self.server) else { return };
        let (Ok(to), Ok(from)) = (server.try_clone(), client.try_clone()) else { return };
        let mut connections = self.connections.lock().expect("nobody panics with it");
        connections.extend([client.try_clone(), server.try_clone()].into_iter().flatten());
        thread::spawn(move || forward(from, to, |_| true));
        let cable = Arc::clone(self);
        thread::spawn(move || {
            forward(server, client, |bytes| cable.takes(bytes));
            if cable.left.load(Ordering::SeqCst) == 0 {
                cable.end();
            }
        });
    }

    /// Do so many bytes more come through?
    fn takes(&self, bytes: u64) -> bool {
        let taken = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| match left {
            WHOLE => Some(WHOLE),
            left => Some(left.saturating_sub(bytes)),
        });
        taken.is_ok_and(|left| left >= bytes)
    }

    fn end(&self) {
        for connection in self.connections.lock().expect("nobody panics with it").drain(..) {
            // It may have ended by itself.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// Until one of the two ends, or no more may pass.
fn forward(mut from: TcpStream, mut to: TcpStream, mut passes: impl FnMut(u64) -> bool) {
    let mut buffer = [0; 4096];
    while let Ok(read) = from.read(&mut buffer) {
        if read == 0 || !passes(read as u64) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
