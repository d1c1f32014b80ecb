//! DHCP (RFC 2131): DISCOVER, OFFER, REQUEST, ACK; REQUEST, ACK; RELEASE.

mod answer;

use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use host::packet::PacketSocket;
use netstate::Mac;
use smoltcp::wire::{DHCP_SERVER_PORT, DhcpMessageType};

use super::config::Protocol;
use super::errand::{Client, Errand, Reach, SLICE, clock};
use super::error::LeaseError;
use super::lease::Lease;
use super::message::{self, Heard, Said, Way};
use super::option;
use super::patience::random;

/// Longer than any link of a container takes, in bytes.
const BUFFER: usize = 9216;

/// All machines on the link.
const EVERYBODY: Mac = Mac([0xff; 6]);

/// To whoever hears it.
const BROADCAST: Way = Way { source: Ipv4Addr::UNSPECIFIED, destination: Ipv4Addr::BROADCAST };

type Options = Vec<(u8, Vec<u8>)>;

/// Asks for a lease.
pub(super) fn obtain(errand: &Errand, before: Option<IpAddr>) -> Result<Lease, LeaseError> {
    let mut talk = Talk::open(errand)?;
    let mut refused = None;
    for round in errand.manner.patience.rounds() {
        match talk.round(before, round.listen)? {
            Some(Outcome::Given(lease)) => return Ok(*lease),
            Some(Outcome::Refused(error)) => refused = Some(error),
            None => {}
        }
        errand.pause(round.pause)?;
    }
    Err(refused.unwrap_or_else(|| LeaseError::NoAnswer {
        what: "DHCP server",
        link: errand.link.to_string(),
        after: talk.began.elapsed(),
    }))
}

/// Asks for more time: none where a server says that the lease is over.
pub(super) fn extend(errand: &Errand, lease: &Lease, reach: Reach) -> Result<Option<Lease>, LeaseError> {
    let mut talk = Talk::open(errand)?;
    let (way, target) = match (reach, lease.server.address()) {
        (Reach::Own, Some(server)) => (Way { source: own(lease), destination: server }, lease.server.hop()),
        _ => (Way { source: own(lease), ..BROADCAST }, EVERYBODY),
    };
    let options = talk.options(Vec::new());
    for round in errand.manner.patience.few_rounds() {
        let said = talk.said(DhcpMessageType::Request, &options, own(lease));
        let asked = clock()?;
        talk.send(&said, way, target)?;
        let server = lease.server.address().filter(|_| reach == Reach::Own);
        match talk.settled(round.listen, server, asked)? {
            Some(Outcome::Given(lease)) => return Ok(Some(*lease)),
            Some(Outcome::Refused(_)) => return Ok(None),
            None => errand.pause(round.pause)?,
        }
    }
    Err(LeaseError::NoAnswer {
        what: "DHCP server",
        link: errand.link.to_string(),
        after: talk.began.elapsed(),
    })
}

/// Gives a lease back. Nobody answers to that.
pub(super) fn release(errand: &Errand, lease: &Lease) -> Result<(), LeaseError> {
    let Some(server) = lease.server.address() else { return Ok(()) };
    let talk = Talk::open(errand)?;
    let options = farewell(&errand.client, server);
    let said = talk.said(DhcpMessageType::Release, &options, own(lease));
    talk.send(&said, Way { source: own(lease), destination: server }, lease.server.hop())
}

/// The same of a container whose link is gone: from here, by whatever way there is to the server. An IPv6 address can be
/// given back only by its own link.
pub(super) fn release_from_here(client: &Client, lease: &Lease) -> Result<(), LeaseError> {
    let server = lease.server.address().filter(|_| lease.protocol == Protocol::Dhcp4);
    let Some(server) = server else { return Ok(()) };
    let said = Said {
        kind: DhcpMessageType::Release,
        exchange: random(),
        seconds: 0,
        mac: Mac(lease.mac),
        broadcast: false,
        own: own(lease),
        options: &farewell(client, server),
    };
    let sent = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        .and_then(|socket| socket.send_to(&message::message(&said), (server, DHCP_SERVER_PORT)));
    sent.map(drop).map_err(|source| LeaseError::Io { verb: "send", what: "a DHCPRELEASE", source })
}

fn farewell(client: &Client, server: Ipv4Addr) -> Options {
    vec![(option::SERVER, server.octets().to_vec()), (option::CLIENT_IDENTIFIER, client.identifier())]
}

fn own(lease: &Lease) -> Ipv4Addr {
    match lease.address.ip() {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    }
}

/// What a request came to.
enum Outcome {
    Given(Box<Lease>),
    Refused(LeaseError),
}

/// One exchange.
struct Talk<'a> {
    errand: &'a Errand<'a>,
    socket: PacketSocket,
    exchange: u32,
    began: Instant,
    buffer: Vec<u8>,
}

impl<'a> Talk<'a> {
    fn open(errand: &'a Errand<'a>) -> Result<Self, LeaseError> {
        let socket = PacketSocket::open(errand.namespace, errand.index)?;
        Ok(Self { errand, socket, exchange: random(), began: Instant::now(), buffer: vec![0; BUFFER] })
    }

    /// DISCOVER and, to whoever offers first, REQUEST.
    fn round(&mut self, before: Option<IpAddr>, listen: Duration) -> Result<Option<Outcome>, LeaseError> {
        let hint = match before {
            Some(IpAddr::V4(address)) => vec![(option::REQUESTED_ADDRESS, address.octets().to_vec())],
            _ => Vec::new(),
        };
        let options = self.options(hint);
        let said = self.said(DhcpMessageType::Discover, &options, Ipv4Addr::UNSPECIFIED);
        self.send(&said, BROADCAST, EVERYBODY)?;
        let offered = self.wait(listen, |heard, _| {
            let server = heard.address(option::SERVER)?;
            (heard.kind == DhcpMessageType::Offer).then_some((server, heard.address))
        })?;
        let Some((server, address)) = offered else { return Ok(None) };
        let options = self.options(vec![
            (option::REQUESTED_ADDRESS, address.octets().to_vec()),
            (option::SERVER, server.octets().to_vec()),
        ]);
        let said = self.said(DhcpMessageType::Request, &options, Ipv4Addr::UNSPECIFIED);
        let asked = clock()?;
        self.send(&said, BROADCAST, EVERYBODY)?;
        // Who offered is there, and may be slow: it is worth more than the shortest wait.
        self.settled(listen.max(Duration::from_secs(1)), Some(server), asked)
    }

    /// ACK or NAK, of `server` or of any.
    fn settled(
        &mut self,
        listen: Duration,
        server: Option<Ipv4Addr>,
        asked: u64,
    ) -> Result<Option<Outcome>, LeaseError> {
        let told = self.wait(listen, |heard, hop| {
            let from = heard.address(option::SERVER);
            if server.is_some() && from.is_some() && from != server {
                return None;
            }
            match heard.kind {
                DhcpMessageType::Ack => Some(answer::lease(heard, hop, asked)),
                DhcpMessageType::Nak => Some(Err(answer::refusal(heard))),
                _ => None,
            }
        })?;
        match told {
            None => Ok(None),
            Some(Ok(lease)) => Ok(Some(Outcome::Given(Box::new(lease)))),
            Some(Err(error @ LeaseError::Refused { .. })) => Ok(Some(Outcome::Refused(error))),
            Some(Err(error)) => Err(error),
        }
    }

    /// The options of every request, and those of this one.
    fn options(&self, own: Options) -> Options {
        let client = &self.errand.client;
        let mut options = vec![(option::CLIENT_IDENTIFIER, client.identifier())];
        options.extend(own);
        if !client.wish.request.is_empty() {
            options.push((option::PARAMETER_LIST, client.wish.request.clone()));
        }
        for (number, value) in &client.wish.provide {
            if options.iter().all(|(other, _)| other != number) {
                options.push((*number, value.clone()));
            }
        }
        options
    }

    fn said<'o>(&self, kind: DhcpMessageType, options: &'o Options, own: Ipv4Addr) -> Said<'o> {
        Said {
            kind,
            exchange: self.exchange,
            seconds: u16::try_from(self.began.elapsed().as_secs()).unwrap_or(u16::MAX),
            mac: self.errand.mac,
            broadcast: self.errand.manner.broadcast && own.is_unspecified(),
            own,
            options,
        }
    }

    fn send(&self, said: &Said, way: Way, target: Mac) -> Result<(), LeaseError> {
        let sent = self.socket.send(&message::packet(said, way), target);
        sent.map_err(|source| LeaseError::Io { verb: "send", what: "a DHCP message", source })
    }

    /// Waits for an answer that `pick` wants.
    fn wait<T>(
        &mut self,
        listen: Duration,
        pick: impl Fn(&Heard, Mac) -> Option<T>,
    ) -> Result<Option<T>, LeaseError> {
        let end = Instant::now() + listen;
        loop {
            self.errand.unless_released()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let failed =
                |source: io::Error| LeaseError::Io { verb: "receive", what: "DHCP messages", source };
            let received = self.socket.receive(&mut self.buffer, left.min(SLICE)).map_err(failed)?;
            let Some((length, hop)) = received else { continue };
            let heard = self.buffer.get(..length).and_then(message::heard);
            let ours = heard.filter(|heard| heard.exchange == self.exchange && heard.mac == self.errand.mac);
            if let Some(picked) = ours.and_then(|heard| pick(&heard, hop)) {
                return Ok(Some(picked));
            }
        }
    }
}
