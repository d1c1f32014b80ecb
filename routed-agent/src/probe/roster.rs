//! Whom an answerer knows: the other nodes, each with a number of answers of its own. A question costs a stranger's
//! packet no more than a look-up, and one node can't use up what another is due.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Passage, Peer};

/// So many questions of one address are answered in a [`WHILE`]: several times what a probe asks.
const BUDGET: u16 = 512;

/// What the budget is for; who was no node may be one after it.
const WHILE: Duration = Duration::from_secs(1);

/// What is due to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The question's echo.
    Echo,
    /// The same, as the question came through the tunnel; and a word to this address beside it.
    EchoAndWord(IpAddr),
}

/// The other nodes, by their addresses and those of their tunnels.
#[derive(Debug, Default)]
pub(super) struct Roster {
    known: HashMap<IpAddr, (Due, u16)>,
    since: Option<Instant>,
}

impl Roster {
    /// Is it time to ask who the other nodes are?
    pub(super) fn is_old(&self, now: Instant) -> bool {
        self.since.is_none_or(|since| now.duration_since(since) > WHILE)
    }

    /// These are the other nodes from now on, and each has its whole budget.
    pub(super) fn renew(&mut self, peers: &[Peer], now: Instant) {
        self.since = Some(now);
        self.known.clear();
        for peer in peers {
            if let Passage::Tunnel { .. } = peer.passage {
                self.known.insert(peer.far(), (Due::EchoAndWord(peer.address), 0));
            }
            self.known.insert(peer.address, (Due::Echo, 0));
        }
    }

    /// What is due to this address; nothing where it is a stranger's, or has had enough.
    pub(super) fn admits(&mut self, address: IpAddr) -> Option<Due> {
        let (due, spent) = self.known.get_mut(&address)?;
        *spent = spent.saturating_add(1);
        (*spent <= BUDGET).then_some(*due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u8, passage: Passage) -> Peer {
        let subnet = format!("10.244.{number}.0/24").parse().unwrap();
        Peer { node: number.to_string().into(), subnet, address: [192, 0, 2, number].into(), passage }
    }

    #[test]
    fn a_stranger_and_a_node_that_asks_too_much_take_nothing_from_others() {
        let (mut roster, now) = (Roster::default(), Instant::now());
        assert!(roster.is_old(now));
        let tunnel = Passage::Tunnel { port: 8472, overhead: 50 };
        roster.renew(&[peer(2, tunnel), peer(3, Passage::Direct)], now);
        assert!(!roster.is_old(now) && roster.is_old(now + WHILE * 2));
        let (node, inside) = (IpAddr::from([192, 0, 2, 2]), IpAddr::from([10, 244, 2, 0]));
        for _ in 0..BUDGET {
            assert_eq!(roster.admits([192, 0, 2, 66].into()), None);
            assert_eq!(roster.admits(inside), Some(Due::EchoAndWord(node)));
        }
        assert_eq!(roster.admits(inside), None);
        assert_eq!(roster.admits(node), Some(Due::Echo));
        assert_eq!(roster.admits([192, 0, 2, 3].into()), Some(Due::Echo));
        assert_eq!(roster.admits([10, 244, 3, 0].into()), None, "no tunnel leads there");
        roster.renew(&[peer(2, tunnel)], now + WHILE * 2);
        assert_eq!(roster.admits(inside), Some(Due::EchoAndWord(node)));
        assert_eq!(roster.admits([192, 0, 2, 3].into()), None, "it is no node any more");
    }
}
