//! DHCP for IPv6 (RFC 8415): one address, `IA_NA`. SOLICIT, ADVERTISE, REQUEST, REPLY; RENEW or REBIND, REPLY; RELEASE. What
//! is on the link, and who routes, the kernel learns from router advertisements.

mod message;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv6Addr, SocketAddrV6, UdpSocket};
use std::time::{Duration, Instant};

use host::{Error, Host};
use sha2::{Digest, Sha256};

use super::config::Protocol;
use super::errand::{Client, Errand, Reach, SLICE, clock};
use super::error::LeaseError;
use super::lease::{Lease, Names, Server, Times};
use super::patience::random;
use message::{Binding, Heard, Kind, Said};

const CLIENT_PORT: u16 = 546;
const SERVER_PORT: u16 = 547;

/// All servers and relays on the link (RFC 8415, 7.1).
const SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);

/// Longer than any link of a container takes, in bytes.
const BUFFER: usize = 9216;

/// Until the link's own address can be used: the kernel asks around for one to two seconds.
const SETTLING: Duration = Duration::from_secs(10);

/// Asks for an address, for `before` if that can be.
pub(super) fn obtain(errand: &Errand, before: Option<IpAddr>) -> Result<Lease, LeaseError> {
    let mut talk = Talk::open(errand)?;
    let hint = match before {
        Some(IpAddr::V6(address)) => Some(address),
        _ => None,
    };
    let mut refused = None;
    for round in errand.manner.patience.rounds() {
        let offered = talk.ask(Kind::Solicit, None, hint, round.listen)?;
        if let Some((Binding { address: Some(address), .. }, offer)) = offered {
            let listen = round.listen.max(Duration::from_secs(1));
            let asked = clock()?;
            match talk.ask(Kind::Request, Some(&offer.server), Some(address), listen)? {
                Some((Binding { address: Some(_), .. }, reply)) => return Ok(talk.lease(&reply, asked)),
                Some((binding, reply)) => refused = Some(refusal(&binding, &reply)),
                None => {}
            }
        } else if let Some((binding, offer)) = offered {
            refused = Some(refusal(&binding, &offer));
        }
        errand.pause(round.pause)?;
    }
    Err(refused.unwrap_or_else(|| talk.no_answer()))
}

/// Asks for more time: none where a server says that the lease is over.
pub(super) fn extend(errand: &Errand, lease: &Lease, reach: Reach) -> Result<Option<Lease>, LeaseError> {
    let mut talk = Talk::open(errand)?;
    let (kind, server) = match reach {
        Reach::Own => (Kind::Renew, Some(lease.server.id.as_slice())),
        Reach::Any => (Kind::Rebind, None),
    };
    for round in errand.manner.patience.few_rounds() {
        let asked = clock()?;
        match talk.ask(kind, server, own(lease), round.listen)? {
            Some((Binding { address: Some(_), .. }, reply)) => return Ok(Some(talk.lease(&reply, asked))),
            Some(_) => return Ok(None),
            None => errand.pause(round.pause)?,
        }
    }
    Err(talk.no_answer())
}

/// Gives an address back. The server's word for it is not waited for.
pub(super) fn release(errand: &Errand, lease: &Lease) -> Result<(), LeaseError> {
    let talk = Talk::open(errand)?;
    talk.say(Kind::Release, Some(&lease.server.id), own(lease))
}

fn own(lease: &Lease) -> Option<Ipv6Addr> {
    match lease.address.ip() {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    }
}

fn refusal(binding: &Binding, heard: &Heard) -> LeaseError {
    let server: Vec<String> = heard.server.iter().map(|byte| format!("{byte:02x}")).collect();
    LeaseError::Refused { server: server.join(":"), reason: binding.status.clone() }
}

/// Who the client is (RFC 8415, 11.5): a UUID that follows from its identifier under DHCP.
fn duid(client: &Client) -> Vec<u8> {
    let digest = Sha256::digest(client.identifier());
    [0, 4].into_iter().chain(digest.iter().copied().take(16)).collect()
}

/// One exchange.
struct Talk<'a> {
    errand: &'a Errand<'a>,
    socket: UdpSocket,
    duid: Vec<u8>,
    began: Instant,
    buffer: Vec<u8>,
}

impl<'a> Talk<'a> {
    /// Waits until the link's own address can be spoken from.
    fn open(errand: &'a Errand<'a>) -> Result<Self, LeaseError> {
        let host = Host::open()?;
        let began = Instant::now();
        loop {
            let addresses = host.addresses_in(errand.namespace, &errand.link)?;
            let own = addresses.iter().find_map(|network| match network.ip() {
                IpAddr::V6(address) if address.is_unicast_link_local() => Some(address),
                _ => None,
            });
            if let Some(own) = own
                && let Some(socket) = bind(errand, own)?
            {
                let duid = duid(&errand.client);
                return Ok(Self { errand, socket, duid, began, buffer: vec![0; BUFFER] });
            }
            if began.elapsed() > SETTLING {
                return Err(LeaseError::NoLinkLocal(errand.link.to_string()));
            }
            errand.pause(SLICE)?;
        }
    }

    fn say(&self, kind: Kind, server: Option<&[u8]>, address: Option<Ipv6Addr>) -> Result<(), LeaseError> {
        self.send(&self.said(kind, server, address))
    }

    fn said<'s>(&'s self, kind: Kind, server: Option<&'s [u8]>, address: Option<Ipv6Addr>) -> Said<'s> {
        Said {
            kind,
            exchange: random() & 0x00ff_ffff,
            elapsed: self.began.elapsed(),
            client: &self.duid,
            server,
            address,
        }
    }

    fn send(&self, said: &Said) -> Result<(), LeaseError> {
        let target = SocketAddrV6::new(SERVERS, SERVER_PORT, 0, self.errand.index);
        let sent = self.socket.send_to(&message::write(said), target);
        sent.map(drop).map_err(|source| LeaseError::Io { verb: "send", what: "a DHCPv6 message", source })
    }

    /// Says something and waits for the answer to it that is about our address.
    fn ask(
        &mut self,
        kind: Kind,
        server: Option<&[u8]>,
        address: Option<Ipv6Addr>,
        listen: Duration,
    ) -> Result<Option<(Binding, Heard)>, LeaseError> {
        let said = self.said(kind, server, address);
        let exchange = said.exchange;
        self.send(&said)?;
        let end = Instant::now() + listen;
        let failed = |source: io::Error| LeaseError::Io { verb: "receive", what: "DHCPv6 messages", source };
        loop {
            self.errand.unless_released()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.socket.set_read_timeout(Some(left.min(SLICE))).map_err(failed)?;
            let length = match self.socket.recv(&mut self.buffer) {
                Ok(length) => length,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                    continue;
                }
                Err(error) => return Err(failed(error)),
            };
            let heard = self.buffer.get(..length).and_then(message::read);
            let ours = heard.filter(|heard| {
                heard.answers(kind) && heard.exchange == exchange && heard.client == self.duid
            });
            if let Some(heard) = ours {
                return Ok(Some((heard.binding.clone(), heard)));
            }
        }
    }

    fn lease(&self, reply: &Heard, asked: u64) -> Lease {
        let binding = &reply.binding;
        Lease {
            protocol: Protocol::Dhcp6,
            // Which neighbours are on the link, router advertisements tell.
            address: IpAddr::V6(binding.address.unwrap_or(Ipv6Addr::UNSPECIFIED)).into(),
            mac: self.errand.mac.0,
            gateway: None,
            routes: Vec::new(),
            names: Names {
                servers: reply.name_servers.iter().copied().map(IpAddr::V6).collect(),
                domain: None,
            },
            server: Server { id: reply.server.clone(), hop: [0; 6] },
            times: Times::new(asked, binding.spans),
        }
    }

    fn no_answer(&self) -> LeaseError {
        LeaseError::NoAnswer {
            what: "DHCPv6 server",
            link: self.errand.link.to_string(),
            after: self.began.elapsed(),
        }
    }
}

/// None where the kernel still asks around for the address.
fn bind(errand: &Errand, own: Ipv6Addr) -> Result<Option<UdpSocket>, LeaseError> {
    let address = SocketAddrV6::new(own, CLIENT_PORT, 0, errand.index);
    let bound = errand.namespace.inside(|| {
        UdpSocket::bind(address).map_err(|source| Error::Io {
            verb: "listen at",
            object: address.to_string(),
            source,
        })
    });
    match bound {
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::AddrNotAvailable => Ok(None),
        bound => Ok(Some(bound?)),
    }
}
