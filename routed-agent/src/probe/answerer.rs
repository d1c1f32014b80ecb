//! Answers other nodes' questions. Only members are answered, at their own addresses, with what they sent
//! and a few words of ours.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

use super::packet::{Packet, Word};
use super::roster::{Due, Roster};
use super::written;
use crate::server::Question;

/// No link has a larger MTU that pods could use whole. Bytes.
const LONGEST: usize = 65_535;

/// Answers at a socket for as long as the agent's loop can say who the other nodes are.
pub(crate) async fn answer(socket: UdpSocket, questions: mpsc::Sender<Question>) {
    let mut bytes = vec![0; LONGEST];
    let mut roster = Roster::default();
    while !questions.is_closed() {
        let Ok((length, from)) = socket.recv_from(&mut bytes).await else {
            // A report of an earlier answer that did not arrive.
            continue;
        };
        let Some(asked) = Packet::read(&bytes[..length]).filter(|packet| packet.word == Word::Ask) else {
            continue;
        };
        if roster.is_old(Instant::now()) {
            renew(&mut roster, &questions).await;
        }
        let Some(due) = roster.admits(from.ip().to_canonical()) else { continue };
        // Who can't be reached is told by the asker's probe.
        let _ = socket.send_to(&Packet { word: Word::Echo, ..asked }.bytes(), from).await;
        if let Due::EchoAndWord(address) = due {
            let beside = SocketAddr::new(written(address, &socket), from.port());
            let _ = socket.send_to(&Packet { word: Word::Seen, ..asked }.bytes(), beside).await;
        }
    }
}

/// Asks the loop who the other nodes are.
async fn renew(roster: &mut Roster, questions: &mpsc::Sender<Question>) {
    let (sender, receiver) = oneshot::channel();
    if questions.send(Question::Peers(sender)).await.is_ok()
        && let Ok(peers) = receiver.await
    {
        roster.renew(&peers, Instant::now());
    }
}
