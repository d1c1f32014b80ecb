//! Shaping: how much of an attachment's traffic passes in one direction.

use std::fmt;
use std::str::FromStr;

use ipnetwork::IpNetwork;

use crate::{Attachment, LinkName, Mac};

/// Bits in a byte: configurations count bits, the kernel bytes.
const BYTE: u64 = 8;

/// A burst of this many bits and more is no burst but "unlimited": containerd sends 2^32 - 1, CRI-O eight times that.
const UNLIMITED: u64 = u32::MAX as u64;

/// An unlimited burst lasts this part of a second: 100 ms.
const LONGEST_BURST: u64 = 10;

/// Below this part of a second, 5 ms, the bucket runs over between two wake-ups of a busy processor, and the rate is
/// never reached.
const SHORTEST_BURST: u64 = 200;

/// A queue is as long as what passes in this part of a second: 25 ms, the reference's latency.
const LATENCY: u64 = 40;

/// So many frames find room in a queue, however slow it is: with fewer, TCP waits for retransmissions.
const FRAMES: u32 = 10;

/// What a segmentation offload hands over at once, in bytes on the wire: 64 KiB and a header for each segment.
const OFFLOADED: u32 = 72 * 1024;

/// A token bucket: what passes, at once and in the long run. Bytes are those on the wire, headers included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// In bytes a second; never 0.
    pub rate: u64,
    /// What may pass at once after a pause, in bytes.
    pub burst: u32,
    /// What may wait, in bytes; the rest is dropped.
    pub queue: u32,
}

impl Limit {
    /// From what a configuration asks for: `rate` in bits a second, `burst` in bits. `frame` is the link's longest
    /// frame in bytes.
    ///
    /// An unlimited burst becomes 100 ms of the rate, a tiny one 5 ms, and at least one frame passes: a bucket that
    /// is smaller than a frame lets none through.
    pub fn new(rate: u64, burst: u64, frame: u32) -> Self {
        let rate = (rate / BYTE).max(1);
        let asked = match burst / BYTE {
            bytes if burst >= UNLIMITED => bytes.min(rate / LONGEST_BURST),
            bytes => bytes,
        };
        let burst = bytes(asked.max(rate / SHORTEST_BURST)).max(frame);
        let least = frame.saturating_mul(FRAMES).max(burst.min(OFFLOADED));
        Self { rate, burst, queue: bytes(rate / LATENCY).max(least) }
    }

    /// The same limit for a queue that takes what an offload hands over as it is.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { queue: self.queue.max(OFFLOADED), ..self }
    }
}

/// As many as 32 bits tell of, which is what the kernel counts them with.
fn bytes(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate {}bit burst {}b limit {}b", u128::from(self.rate) * 8, self.burst, self.queue)
    }
}

/// Seen from the container, as the configuration's keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Towards the container.
    Ingress,
    /// From the container.
    Egress,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        })
    }
}

impl FromStr for Direction {
    type Err = ShapingError;

    fn from_str(text: &str) -> Result<Self, ShapingError> {
        match text {
            "ingress" => Ok(Self::Ingress),
            "egress" => Ok(Self::Egress),
            _ => Err(ShapingError(text.to_owned())),
        }
    }
}

/// The text is no part of a shaping as it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no direction and no choice of traffic")]
pub struct ShapingError(pub String);

/// Which traffic is limited, by the address of the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Traffic {
    /// All of it, ARP and neighbour discovery included.
    All,
    /// That with these subnets.
    Only(Vec<IpNetwork>),
    /// That with others than these subnets.
    AllBut(Vec<IpNetwork>),
}

impl Traffic {
    /// The subnets that make a difference.
    pub fn subnets(&self) -> &[IpNetwork] {
        match self {
            Self::All => &[],
            Self::Only(subnets) | Self::AllBut(subnets) => subnets,
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::All => return f.write_str("all"),
            Self::Only(_) => "only",
            Self::AllBut(_) => "all-but",
        };
        f.write_str(word)?;
        self.subnets().iter().try_for_each(|subnet| write!(f, " {subnet}"))
    }
}

impl FromStr for Traffic {
    type Err = ShapingError;

    fn from_str(text: &str) -> Result<Self, ShapingError> {
        let invalid = || ShapingError(text.to_owned());
        let mut words = text.split(' ');
        let word = words.next();
        let subnets = words.map(|subnet| subnet.parse().map_err(|_| invalid())).collect::<Result<_, _>>()?;
        match word {
            Some("all") => Ok(Self::All),
            Some("only") => Ok(Self::Only(subnets)),
            Some("all-but") => Ok(Self::AllBut(subnets)),
            _ => Err(invalid()),
        }
    }
}

/// One direction of an attachment, limited at the host end of its veth pair.
///
/// What goes to the container leaves the host end, so it waits there. What comes from the container arrives at the
/// host end, where nothing can wait, so it is sent through a device that only serves to queue ([`Shaping::device`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shaping {
    /// The host end.
    pub link: LinkName,
    /// Which direction.
    pub direction: Direction,
    /// How much.
    pub limit: Limit,
    /// Of what.
    pub traffic: Traffic,
    /// Whose it is.
    pub owner: Attachment,
}

impl Shaping {
    /// The device (`ifb`) that an attachment's egress waits at: the reference's prefix and 12 hexadecimal digits, so
    /// that DEL finds it without anything else.
    ///
    /// # Panics
    /// Never: 15 bytes of `[a-z0-9]` are a valid name.
    pub fn device(owner: &Attachment) -> LinkName {
        LinkName::new(&format!("bwp{}", &owner.key()[..12])).expect("bwp and 12 hexadecimal digits")
    }

    /// The MAC of that device, which nobody ever sees on a wire.
    pub fn device_mac(owner: &Attachment) -> Mac {
        owner.queue_mac()
    }
}

impl fmt::Display for Shaping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shaping {} {} {} traffic {}", self.link, self.direction, self.limit, self.traffic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: u32 = 1522;

    #[test]
    fn a_limit_is_what_was_asked_for_in_bytes() {
        let limit = Limit::new(80_000_000, 4_000_000, FRAME);
        assert_eq!(limit, Limit { rate: 10_000_000, burst: 500_000, queue: 250_000 });
    }

    #[test]
    fn an_unlimited_burst_is_100_ms_of_the_rate() {
        for burst in [u64::from(u32::MAX), 8 * u64::from(u32::MAX) - 1] {
            assert_eq!(Limit::new(1_000_000_000, burst, FRAME).burst, 12_500_000, "{burst}");
            assert_eq!(Limit::new(1_000_000, burst, FRAME).burst, 12_500, "{burst}");
        }
        // Where 100 ms are more than was asked for, that stays.
        assert_eq!(Limit::new(80_000_000_000, u64::from(u32::MAX), FRAME).burst, 536_870_911);
    }

    #[test]
    fn a_tiny_burst_lets_a_frame_through_and_reaches_the_rate() {
        assert_eq!(Limit::new(8, 8, FRAME), Limit { rate: 1, burst: FRAME, queue: 15_220 });
        assert_eq!(Limit::new(1, 1, FRAME).rate, 1);
        assert_eq!(Limit::new(1_000_000_000, 8, FRAME).burst, 625_000);
    }

    #[test]
    fn what_an_offload_hands_over_finds_room_in_the_queue() {
        assert_eq!(Limit::new(1_000_000, 80_000_000, FRAME).queue, OFFLOADED);
        assert_eq!(Limit::new(1_000_000, 8, FRAME).whole().queue, OFFLOADED);
    }

    #[test]
    fn rates_beyond_32_bits_stay_whole() {
        let limit = Limit::new(u64::MAX, 8 * u64::from(u32::MAX) - 1, u32::MAX);
        assert_eq!(limit, Limit { rate: u64::MAX / 8, burst: u32::MAX, queue: u32::MAX });
        assert!(limit.to_string().starts_with("rate 18446744073709551608bit"), "{limit}");
    }

    #[test]
    fn a_choice_of_traffic_is_read_as_it_is_written() {
        let subnets = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        for traffic in [Traffic::All, Traffic::Only(subnets.clone()), Traffic::AllBut(subnets)] {
            assert_eq!(traffic.to_string().parse(), Ok(traffic));
        }
        for text in ["", "some", "only 10.0.0.0/33"] {
            assert!(text.parse::<Traffic>().is_err(), "{text:?}");
        }
    }
}
