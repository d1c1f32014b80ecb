//! What a request says, in place: thousands are made at once, and none outlives its send.

/// Room for the longest: an IPv6 route by a gateway of its own has 76 bytes.
const ROOM: usize = 80;

/// The bytes behind a message's header.
#[derive(Debug, Clone)]
pub(in crate::fabric) struct Body {
    bytes: [u8; ROOM],
    length: usize,
}

impl Body {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self { bytes: [0; ROOM], length: 0 }
    }

    /// So many zeroes.
    pub(super) fn zeroes(length: usize) -> Self {
        Self { length, ..Self::new() }
    }

    /// Appends bytes, and what makes them end at a multiple of four.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes[self.length..][..bytes.len()].copy_from_slice(bytes);
        self.length = (self.length + bytes.len()).next_multiple_of(4);
    }

    /// All of them.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// To be changed in place.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }
}
