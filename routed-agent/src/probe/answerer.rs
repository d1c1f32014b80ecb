//! Answers other nodes' questions. Only members are answered, at their own addresses, with what they sent
//! and a few words of ours.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

use super::packet::{Packet, Word};
use super::{Passage, Peer, written};
use crate::server::Question;

/// No link has a larger MTU that pods could use whole. Bytes.
const LONGEST: usize = 65_535;

/// So many questions are answered in a [`WHILE`]; the others are passed over.
const BUDGET: u32 = 512;

/// What the budget is for.
const WHILE: Duration = Duration::from_secs(1);

/// Answers at a socket for as long as the agent's loop can say who asks.
pub(crate) async fn answer(socket: UdpSocket, questions: mpsc::Sender<Question>) {
    let mut bytes = vec![0; LONGEST];
    let (mut since, mut spent) = (Instant::now(), 0);
    while !questions.is_closed() {
        let Ok((length, from)) = socket.recv_from(&mut bytes).await else {
            // A report of an earlier answer that did not arrive.
            continue;
        };
        let Some(asked) = Packet::read(&bytes[..length]).filter(|packet| packet.word == Word::Ask) else {
            continue;
        };
        if since.elapsed() > WHILE {
            (since, spent) = (Instant::now(), 0);
        }
        spent += 1;
        if spent > BUDGET {
            continue;
        }
        let Some(peer) = who(from.ip().to_canonical(), &questions).await else { continue };
        // Who can't be reached is told by the asker's probe.
        let _ = socket.send_to(&Packet { word: Word::Echo, ..asked }.bytes(), from).await;
        if matches!(peer.passage, Passage::Tunnel { .. }) && from.ip().to_canonical() == peer.far() {
            let beside = SocketAddr::new(written(peer.address, &socket), from.port());
            let _ = socket.send_to(&Packet { word: Word::Seen, ..asked }.bytes(), beside).await;
        }
    }
}

/// The member with this address, be it that of its tunnel or its own.
async fn who(address: IpAddr, questions: &mpsc::Sender<Question>) -> Option<Peer> {
    let (sender, receiver) = oneshot::channel();
    questions.send(Question::Who(address, sender)).await.ok()?;
    receiver.await.ok().flatten()
}
