//! Packets between places: sockets that live in a pod, asked from the node or from another pod.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{Shutdown, shutdown};
use sandbox::{Place, Sctp, SctpPacket};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(3);

/// As whom the server sees the client, or why nothing came.
type Seen = Result<IpAddr, String>;

/// Asks the server at `bind` in one place from another by the address `to`, by TCP.
pub(crate) fn tcp(server: &impl Place, bind: SocketAddr, client: &impl Place, to: SocketAddr) -> Seen {
    let told = |what: &str, error: std::io::Error| format!("TCP, {what} {to}: {error}");
    let serving = || {
        let listener = TcpListener::bind(bind)?;
        listener.set_nonblocking(true).map(|()| listener)
    };
    // That the judge can't listen is no finding: several cases want an error of the asker's.
    let listener = server.within(serving).unwrap_or_else(|error| panic!("{}", told("serving", error)));
    let given_up = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        scope.spawn(|| {
            let answered = || match listener.accept() {
                Ok((mut stream, peer)) => {
                    // Whoever gives up tells the asker, who reads nothing.
                    let _ = stream.write_all(peer.ip().to_canonical().to_string().as_bytes());
                    true
                }
                Err(_) => given_up.load(Ordering::Relaxed),
            };
            // Nobody waits longer than the asker.
            let _ = sandbox::eventually(3 * ANSWER, answered);
        });
        let asked = client.within(|| TcpStream::connect_timeout(&to, ANSWER)).and_then(|mut stream| {
            stream.set_read_timeout(Some(ANSWER))?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok(text)
        });
        given_up.store(true, Ordering::Relaxed);
        let text = asked.map_err(|error| told("asking", error))?;
        text.parse().map_err(|_| format!("TCP: {to} answered {text:?}"))
    });
    // A child of another worker's may have it until it is another program: closed here alone, it would go on listening.
    let _ = shutdown(listener.as_raw_fd(), Shutdown::Both);
    seen
}

/// The same by UDP: a datagram there, and its answer from the address that was asked.
pub(crate) fn udp(server: &impl Place, bind: SocketAddr, client: &impl Place, to: SocketAddr) -> Seen {
    let told = |what: &str, error: std::io::Error| format!("UDP, {what} {to}: {error}");
    let socket = server.within(|| UdpSocket::bind(bind)).map_err(|error| told("serving", error))?;
    let any: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
    let asker = client.within(|| UdpSocket::bind(any)).map_err(|error| told("asking", error))?;
    let answered = (|| {
        for one in [&socket, &asker] {
            one.set_read_timeout(Some(ANSWER))?;
        }
        asker.connect(to)?;
        asker.send(b"who am I?")?;
        let mut buffer = [0; 64];
        let (_, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(peer.ip().to_canonical().to_string().as_bytes(), peer)?;
        let length = asker.recv(&mut buffer)?;
        Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
    })();
    let text = answered.map_err(|error| told("asking", error))?;
    text.parse().map_err(|_| format!("UDP: {to} answered {text:?}"))
}

/// The port from which SCTP is asked.
const ASKER: u16 = 4000;

/// What the asker of an association wants to be answered, and the server's own.
const TAGS: [u32; 2] = [7, 8];

/// So many packets that are others' are passed over.
const OTHERS: usize = 8;

/// The same by SCTP: the first two packets of an association, each way. The judge makes them itself, by raw sockets: no SCTP
/// in the kernel is needed at their ends.
pub(crate) fn sctp(server: &impl Place, bind: SocketAddr, client: &impl Place, to: SocketAddr) -> Seen {
    let (serving, asking) = (Sctp::open(server, bind.ip()), Sctp::open(client, to.ip()));
    let comes = |socket: &Sctp, wanted: SctpPacket| {
        for _ in 0..OTHERS {
            match socket.receive_from() {
                Ok((packet, peer)) if packet == wanted => return Ok(peer),
                // A server and a client on one machine see both packets.
                Ok(_) => {}
                Err(error) => return Err(format!("SCTP, {to}: no {wanted:?}: {error}")),
            }
        }
        Err(format!("SCTP, {to}: no {wanted:?}, only others"))
    };
    let init = SctpPacket { from: ASKER, to: to.port(), tag: 0, initiate: TAGS[0] };
    asking.send(init, to.ip());
    let peer = comes(&serving, SctpPacket { to: bind.port(), ..init })?;
    let answer = SctpPacket { from: bind.port(), to: ASKER, tag: TAGS[0], initiate: TAGS[1] };
    serving.send(answer, peer);
    comes(&asking, SctpPacket { from: to.port(), ..answer })?;
    Ok(peer)
}

/// Does an answer to an echo request come?
pub(crate) fn ping(from: &impl Place, to: IpAddr) -> Result<(), String> {
    let came = sandbox::eventually(sandbox::PATIENCE, || from.reaches(to));
    if came { Ok(()) } else { Err(format!("ping: no answer from {to}")) }
}

/// Does a packet that fills the link come back whole?
pub(crate) fn full_size(from: &impl Place, to: IpAddr, mtu: u64) -> Result<(), String> {
    // Headers of ICMP and IP.
    let payload = (mtu - if to.is_ipv4() { 28 } else { 48 }).to_string();
    let ping = ["ping", "-n", "-q", "-c1", "-W3", "-M", "do", "-s", &payload, &to.to_string()];
    let output = from.try_exec(&ping);
    if output.code == 0 { Ok(()) } else { Err(format!("{ping:?}: {}{}", output.stdout, output.stderr)) }
}
