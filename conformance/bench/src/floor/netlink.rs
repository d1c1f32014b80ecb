//! Netlink messages, byte by byte: `netlink(7)`, `rtnetlink(7)`, `linux/netfilter/nfnetlink.h`.

/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
/// `NLM_F_ACK`.
const ACK: u16 = 4;
/// `NLM_F_EXCL | NLM_F_CREATE`: it must not be there yet.
pub(super) const NEW: u16 = 0x200 | 0x400;
/// `NLM_F_CREATE`.
pub(super) const CREATE: u16 = 0x400;
/// `NLA_F_NESTED`.
const NESTED: u16 = 0x8000;
/// The length of `struct nlmsghdr`, and where in it the flags are.
const HEADER: usize = 16;
const FLAGS: usize = 6;

/// `NFNL_SUBSYS_NFTABLES`.
const NFTABLES: u16 = 10;
/// `NFNL_MSG_BATCH_BEGIN` and `NFNL_MSG_BATCH_END`.
const BATCH: [u16; 2] = [16, 17];

/// A message, or the inside of an attribute.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// A request of this type and with these flags beside `NLM_F_REQUEST`; `header` is the family's own.
    pub(super) fn new(kind: u16, flags: u16, header: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[FLAGS..8].copy_from_slice(&(flags | REQUEST).to_ne_bytes());
        bytes.extend_from_slice(header);
        Self(bytes)
    }

    /// A change of nftables' rules, for family `family`.
    pub(super) fn nftables(kind: u16, flags: u16, family: u8) -> Self {
        Self::new((NFTABLES << 8) | kind, flags, &[family, 0, 0, 0])
    }

    /// Appends an attribute.
    pub(super) fn with(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(4 + value.len()).expect("an attribute of ours is short");
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Appends an attribute that holds a number.
    pub(super) fn number(self, kind: u16, value: u32) -> Self {
        self.with(kind, &value.to_ne_bytes())
    }

    /// Appends an attribute that holds a text and its end.
    pub(super) fn text(self, kind: u16, value: &str) -> Self {
        self.with(kind, &[value.as_bytes(), &[0]].concat())
    }

    /// Appends an attribute that holds attributes.
    pub(super) fn nest(self, kind: u16, inside: &Self) -> Self {
        self.with(NESTED | kind, &inside.0)
    }

    /// The attributes as bytes that follow something else.
    pub(super) fn after(self, header: &[u8]) -> Self {
        Self([header, &self.0].concat())
    }
}

/// Several requests in one send; the last asks for an answer. (An error comes without asking.)
pub(super) fn together(mut messages: Vec<Message>) -> Vec<u8> {
    if let Some(Message(last)) = messages.last_mut() {
        last[FLAGS] |= ACK.to_ne_bytes()[0];
    }
    laid_out(messages)
}

/// The same as one transaction of nftables.
pub(super) fn transaction(mut messages: Vec<Message>) -> Vec<u8> {
    if let Some(Message(last)) = messages.last_mut() {
        last[FLAGS] |= ACK.to_ne_bytes()[0];
    }
    let [begin, end] = BATCH.map(|kind| {
        let [high, low] = NFTABLES.to_be_bytes();
        Message::new(kind, 0, &[0, 0, high, low])
    });
    messages.insert(0, begin);
    messages.push(end);
    laid_out(messages)
}

fn laid_out(messages: Vec<Message>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Message(mut message) in messages {
        let length = u32::try_from(message.len()).expect("a message of ours is short");
        message[..4].copy_from_slice(&length.to_ne_bytes());
        bytes.extend_from_slice(&message);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}
