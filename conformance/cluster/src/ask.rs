//! Asking a server who it is, and as whom it sees the caller.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use sandbox::Place;

/// How long one call may take: a packet lost is sent again after one second, and then after two.
const CALL: Duration = Duration::from_secs(5);

/// What a Pod of a [`Workload`](crate::Workload) says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The Pod's name.
    pub name: String,
    /// The caller's address as the Pod sees it.
    pub caller: IpAddr,
}

impl Who {
    /// `HTTP/1.0 200 OK … NAME ADDRESS`, or the last line alone; none where it is something else. The address of an IPv4
    /// caller may be written as one of IPv6.
    #[must_use]
    pub fn parse(said: &str) -> Option<Self> {
        let (name, caller) = said.trim_end().lines().last()?.split_once(' ')?;
        let caller: IpAddr = caller.trim_matches(['[', ']']).parse().ok()?;
        Some(Self { name: name.to_owned(), caller: caller.to_canonical() })
    }
}

/// Asks a Pod, a Service or a node's port, from a place.
///
/// # Errors
/// Where nobody answers, or somebody else.
pub fn ask(from: &impl Place, server: SocketAddr) -> io::Result<Who> {
    let mut stream = from.within(|| TcpStream::connect_timeout(&server, CALL))?;
    stream.set_read_timeout(Some(CALL))?;
    write!(stream, "GET /cgi-bin/who HTTP/1.0\r\n\r\n")?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    Who::parse(&said).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, said))
}
