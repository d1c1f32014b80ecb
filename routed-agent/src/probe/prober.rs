//! Asks every other node, and concludes from what comes back.

use std::collections::{BTreeSet, hash_map::RandomState};
use std::hash::BuildHasher;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::StreamExt;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::packet::{Packet, SHORTEST, Word};
use super::{Finding, Passage, Peer, Verdict, open, written};

/// Questions are asked again after this …
const AGAIN: Duration = Duration::from_millis(200);

/// … so often in all: what is lost by chance comes with one of them.
const TIMES: u32 = 6;

/// So many nodes at a time.
const TOGETHER: usize = 64;

/// So many sizes at a time where the largest that passes is looked for.
const STEPS: u32 = 24;

/// UDP's header, in bytes.
const UDP: u32 = 8;

/// Asks all of these, at the port of their answerers; `bytes` is the largest packet of a pod.
pub(crate) async fn probe(peers: Vec<Peer>, bytes: u32, port: u16) -> Vec<Finding> {
    let probes = peers.into_iter().map(|peer| async move {
        let verdict = match Prober::new(&peer, bytes, port).await {
            Ok(mut prober) => prober.judge().await,
            Err(error) => Verdict::Unsent(error.to_string()),
        };
        Finding { node: peer.node.to_string(), subnet: peer.subnet.to_string(), verdict }
    });
    futures::stream::iter(probes).buffered(TOGETHER).collect().await
}

/// A probe of one node.
struct Prober<'p> {
    peer: &'p Peer,
    socket: UdpSocket,
    /// Of questions by the way of pods' packets.
    number: u64,
    /// Of those from node to node.
    beside: u64,
    /// The largest packet of a pod, in bytes.
    bytes: u32,
    port: u16,
    heard: Heard,
}

/// What came back, by sizes of UDP payload.
#[derive(Default)]
struct Heard {
    echoes: BTreeSet<u16>,
    seen: BTreeSet<u16>,
    beside: bool,
}

impl<'p> Prober<'p> {
    async fn new(peer: &'p Peer, bytes: u32, port: u16) -> io::Result<Self> {
        let random = RandomState::new();
        let [number, beside] = [0, 1].map(|which: u8| random.hash_one(which));
        Ok(Self { peer, socket: open(0).await?, number, beside, bytes, port, heard: Heard::default() })
    }

    async fn judge(&mut self) -> Verdict {
        let full = self.payload(self.bytes);
        if let Err(error) = self.ask(&[SHORTEST, full]).await {
            return Verdict::Unsent(error.to_string());
        }
        let came = |sizes: &BTreeSet<u16>| !sizes.is_empty();
        let address = self.peer.address;
        match self.peer.passage {
            _ if self.heard.echoes.contains(&full) => Verdict::Whole { bytes: self.bytes },
            _ if came(&self.heard.echoes) => self.measure(full).await,
            Passage::Tunnel { port, .. } if came(&self.heard.seen) => Verdict::Inward { port, address },
            Passage::Tunnel { port, .. } if self.heard.beside => Verdict::Outward { port, address },
            _ => Verdict::Silent { address, port: self.port },
        }
    }

    /// The largest size that comes back, where `full` does not: each round tries sizes between the largest that came
    /// and the smallest that did not.
    async fn measure(&mut self, full: u16) -> Verdict {
        let (mut passes, mut lost) = (u32::from(SHORTEST), u32::from(full));
        while lost - passes > 1 {
            let step = ((lost - passes) / STEPS).max(1);
            let sizes: Vec<u32> = (passes + 1..lost).step_by(step as usize).collect();
            let narrow: Vec<u16> = sizes.iter().filter_map(|size| u16::try_from(*size).ok()).collect();
            if let Err(error) = self.ask(&narrow).await {
                return Verdict::Unsent(error.to_string());
            }
            let came = |size: &&u32| {
                narrow.iter().any(|tried| u32::from(*tried) == **size && self.heard.echoes.contains(tried))
            };
            let largest = sizes.iter().filter(came).max().copied();
            lost = sizes.iter().find(|size| **size > largest.unwrap_or(passes)).copied().unwrap_or(lost);
            passes = largest.unwrap_or(passes);
        }
        let passes = passes + UDP + self.header();
        let overhead = match self.peer.passage {
            Passage::Tunnel { overhead, .. } => overhead,
            Passage::Direct => 0,
        };
        Verdict::Cut { passes, bytes: self.bytes, mtu: passes + overhead }
    }

    /// Asks until every echo has come, or often enough.
    async fn ask(&mut self, sizes: &[u16]) -> io::Result<()> {
        let way = SocketAddr::new(written(self.peer.far(), &self.socket), self.port);
        let beside = SocketAddr::new(written(self.peer.address, &self.socket), self.port);
        let mut sent = Ok(0);
        for _ in 0..TIMES {
            let missing: Vec<u16> =
                sizes.iter().copied().filter(|size| !self.heard.echoes.contains(size)).collect();
            if missing.is_empty() {
                return Ok(());
            }
            for size in missing {
                let packet = Packet { word: Word::Ask, number: self.number, size };
                sent = self.socket.send_to(&packet.bytes(), way).await;
            }
            // The same from node to node: it opens the way back through a firewall that tracks connections, too.
            let packet = Packet { word: Word::Ask, number: self.beside, size: SHORTEST };
            let _ = self.socket.send_to(&packet.bytes(), beside).await;
            self.listen(sizes, Instant::now() + AGAIN).await;
        }
        // A firewall on this node says no to the sender itself, which is what is to be found out.
        match sent {
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes in what comes until then, or until nothing more is to come.
    async fn listen(&mut self, sizes: &[u16], until: Instant) {
        let mut bytes = vec![0; usize::from(u16::MAX)];
        while !sizes.iter().all(|size| self.heard.echoes.contains(size)) {
            match timeout_at(until, self.socket.recv_from(&mut bytes)).await {
                Ok(Ok((length, _))) => self.hear(&bytes[..length]),
                // A report of a question that did not arrive.
                Ok(Err(_)) => {}
                Err(_) => return,
            }
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        match Packet::read(bytes) {
            Some(Packet { word: Word::Echo, number, size }) if number == self.number => {
                self.heard.echoes.insert(size);
            }
            Some(Packet { word: Word::Echo, number, .. }) if number == self.beside => {
                self.heard.beside = true;
            }
            Some(Packet { word: Word::Seen, number, size }) if number == self.number => {
                self.heard.seen.insert(size);
            }
            _ => {}
        }
    }

    /// The UDP payload of a packet of so many bytes.
    fn payload(&self, bytes: u32) -> u16 {
        u16::try_from(bytes.saturating_sub(UDP + self.header())).unwrap_or(u16::MAX).max(SHORTEST)
    }

    /// The IP header, in bytes.
    fn header(&self) -> u32 {
        match self.peer.address {
            IpAddr::V4(_) => 20,
            IpAddr::V6(_) => 40,
        }
    }
}
