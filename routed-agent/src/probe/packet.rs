//! A probe's packet: eighteen bytes, and zeros up to the size that is tried.

/// What every one begins with.
const MARK: &[u8; 7] = b"trestle";

/// Mark, word, number, size. Bytes.
pub(super) const SHORTEST: u16 = 18;

/// What a packet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Are you there?
    Ask = 1,
    /// As an answer by the way that the question came, and as long: yes.
    Echo = 2,
    /// As an answer from node to node: your question came through the tunnel.
    Seen = 3,
}

/// A packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet {
    /// What it says.
    pub(super) word: Word,
    /// The asker's own: which question is meant.
    pub(super) number: u64,
    /// The question's length, in bytes of UDP payload.
    pub(super) size: u16,
}

impl Packet {
    /// Its bytes: for a question and an echo as many as it says.
    pub(super) fn bytes(self) -> Vec<u8> {
        let mut bytes = MARK.to_vec();
        bytes.push(self.word as u8);
        bytes.extend(self.number.to_be_bytes());
        bytes.extend(self.size.to_be_bytes());
        if self.word != Word::Seen {
            bytes.resize(usize::from(self.size.max(SHORTEST)), 0);
        }
        bytes
    }

    /// The packet; none where the bytes are none, or fewer than it says.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (mark, rest) = bytes.split_first_chunk::<7>()?;
        let (word, rest) = rest.split_first()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let size = u16::from_be_bytes(*rest.first_chunk::<2>()?);
        let word = match word {
            1 => Word::Ask,
            2 => Word::Echo,
            3 => Word::Seen,
            _ => return None,
        };
        let whole = word == Word::Seen || bytes.len() == usize::from(size);
        (mark == MARK && whole).then_some(Self { word, number: u64::from_be_bytes(*number), size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for word in [Word::Ask, Word::Echo, Word::Seen] {
            for size in [SHORTEST, 1402] {
                let packet = Packet { word, number: 0x0102_0304_0506_0708, size };
                let bytes = packet.bytes();
                assert_eq!(Packet::read(&bytes), Some(packet));
                assert_eq!(Packet::read(&bytes[..bytes.len() - 1]), None, "a byte is missing");
                assert_eq!(Packet::read(&[b"T", &bytes[1..]].concat()), None, "another mark");
            }
        }
        assert_eq!(Packet::read(&[]), None);
    }
}
