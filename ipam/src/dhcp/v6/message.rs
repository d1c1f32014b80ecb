//! DHCP for IPv6 messages (RFC 8415, sections 8 and 21). They are a kind, a number and options, each a number, a length and
//! bytes: less than what any library for them adds to the program. Pure.

use std::net::Ipv6Addr;
use std::time::Duration;

use super::super::lease::Spans;

const CLIENT: u16 = 1;
const SERVER: u16 = 2;
const ADDRESSES: u16 = 3;
const ADDRESS: u16 = 5;
const REQUESTED: u16 = 6;
const ELAPSED: u16 = 8;
const STATUS: u16 = 13;
const NAME_SERVERS: u16 = 23;

/// The number of a client's one address. The client's own identity tells attachments apart.
const IAID: [u8; 4] = [0, 0, 0, 1];

/// What a client says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Solicit = 1,
    Request = 3,
    Renew = 5,
    Rebind = 6,
    Release = 8,
}

const ADVERTISE: u8 = 2;
const REPLY: u8 = 7;

/// A message of a client.
#[derive(Debug, Clone)]
pub(super) struct Said<'a> {
    pub(super) kind: Kind,
    /// Its number, of 24 bits.
    pub(super) exchange: u32,
    pub(super) elapsed: Duration,
    pub(super) client: &'a [u8],
    pub(super) server: Option<&'a [u8]>,
    pub(super) address: Option<Ipv6Addr>,
}

/// A message of a server.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    kind: u8,
    pub(super) exchange: u32,
    pub(super) client: Vec<u8>,
    pub(super) server: Vec<u8>,
    pub(super) binding: Binding,
    pub(super) name_servers: Vec<Ipv6Addr>,
}

impl Heard {
    /// May it be the answer to such a message?
    pub(super) fn answers(&self, kind: Kind) -> bool {
        self.kind == if kind == Kind::Solicit { ADVERTISE } else { REPLY }
    }
}

/// What is said of our address.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    /// Absent where it is refused, or over.
    pub(super) address: Option<Ipv6Addr>,
    pub(super) spans: Spans,
    /// Why it is absent.
    pub(super) status: String,
}

/// As UDP carries it.
pub(super) fn write(said: &Said) -> Vec<u8> {
    let mut bytes = said.exchange.to_be_bytes().to_vec();
    bytes[0] = said.kind as u8;
    option(&mut bytes, CLIENT, said.client);
    if let Some(server) = said.server {
        option(&mut bytes, SERVER, server);
    }
    let hundredths = u16::try_from(said.elapsed.as_millis() / 10).unwrap_or(u16::MAX);
    option(&mut bytes, ELAPSED, &hundredths.to_be_bytes());
    option(&mut bytes, REQUESTED, &NAME_SERVERS.to_be_bytes());
    // Times are the server's to choose.
    let mut addresses = [&IAID[..], &[0; 8]].concat();
    if let Some(address) = said.address {
        option(&mut addresses, ADDRESS, &[&address.octets()[..], &[0; 8]].concat());
    }
    option(&mut bytes, ADDRESSES, &addresses);
    bytes
}

fn option(bytes: &mut Vec<u8>, number: u16, value: &[u8]) {
    // All that is written here is short.
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    bytes.extend(number.to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend(value);
}

/// None where it can't be read.
pub(super) fn read(bytes: &[u8]) -> Option<Heard> {
    let (beginning, rest) = bytes.split_first_chunk::<4>()?;
    let mut heard = Heard {
        kind: beginning[0],
        exchange: u32::from_be_bytes(*beginning) & 0x00ff_ffff,
        client: Vec::new(),
        server: Vec::new(),
        binding: Binding {
            address: None,
            spans: Spans { lease: 0, renew: None, rebind: None },
            status: "it has no address for us".to_owned(),
        },
        name_servers: Vec::new(),
    };
    for (number, value) in options(rest) {
        match number {
            CLIENT => heard.client = value.to_vec(),
            SERVER => heard.server = value.to_vec(),
            STATUS => tell(value, &mut heard.binding.status),
            NAME_SERVERS => {
                let (addresses, _) = value.as_chunks::<16>();
                heard.name_servers = addresses.iter().copied().map(Ipv6Addr::from).collect();
            }
            ADDRESSES => bind(value, &mut heard.binding)?,
            _ => {}
        }
    }
    Some(heard)
}

fn bind(value: &[u8], binding: &mut Binding) -> Option<()> {
    let (iaid, rest) = value.split_first_chunk::<4>()?;
    if *iaid != IAID {
        return Some(());
    }
    let (renew, rest) = number(rest)?;
    let (rebind, rest) = number(rest)?;
    for (code, value) in options(rest) {
        match code {
            STATUS => tell(value, &mut binding.status),
            ADDRESS => {
                let (address, rest) = value.split_first_chunk::<16>()?;
                let (_preferred, rest) = number(rest)?;
                let (valid, _) = number(rest)?;
                if valid > 0 {
                    let told = |time: u32| (time > 0).then_some(time);
                    binding.address = Some(Ipv6Addr::from(*address));
                    binding.spans = Spans { lease: valid, renew: told(renew), rebind: told(rebind) };
                }
            }
            _ => {}
        }
    }
    Some(())
}

/// Half an option ends the list.
fn options(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let ([n0, n1, l0, l1], rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let (value, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        Some((u16::from_be_bytes([*n0, *n1]), value))
    })
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), rest))
}

/// A status' words, where something is wrong.
fn tell(value: &[u8], words: &mut String) {
    if let Some((code, text)) = value.split_first_chunk::<2>()
        && *code != [0, 0]
    {
        *words = format!("{} (status {})", String::from_utf8_lossy(text), u16::from_be_bytes(*code));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A REPLY of a server `[9]` to client `[7]`, with these options in its `IA_NA`.
    fn reply(inner: &[u8]) -> Vec<u8> {
        let mut bytes = vec![REPLY, 1, 2, 3];
        option(&mut bytes, CLIENT, &[7]);
        option(&mut bytes, SERVER, &[9]);
        option(
            &mut bytes,
            ADDRESSES,
            &[&IAID[..], &100_u32.to_be_bytes(), &0_u32.to_be_bytes(), inner].concat(),
        );
        bytes
    }

    fn leased(valid: u32) -> Vec<u8> {
        let mut inner = Vec::new();
        let address: Ipv6Addr = "fd05::10".parse().unwrap();
        option(&mut inner, ADDRESS, &[&address.octets()[..], &[0; 4], &valid.to_be_bytes()].concat());
        inner
    }

    #[test]
    fn an_address_and_its_times_are_read() {
        let heard = read(&reply(&leased(3600))).unwrap();
        assert!(heard.answers(Kind::Renew) && !heard.answers(Kind::Solicit));
        assert_eq!((heard.exchange, heard.client, heard.server), (0x01_02_03, vec![7], vec![9]));
        assert_eq!(heard.binding.address, Some("fd05::10".parse().unwrap()));
        assert_eq!(heard.binding.spans, Spans { lease: 3600, renew: Some(100), rebind: None });
    }

    #[test]
    fn an_address_without_time_is_none_and_a_refusal_has_its_words() {
        assert_eq!(read(&reply(&leased(0))).unwrap().binding.address, None);
        let mut inner = Vec::new();
        option(&mut inner, STATUS, &[&[0, 2][..], b"none left"].concat());
        assert_eq!(read(&reply(&inner)).unwrap().binding.status, "none left (status 2)");
    }

    #[test]
    fn half_a_message_is_no_panic() {
        let whole = reply(&leased(3600));
        for length in 0..whole.len() {
            let _ = read(&whole[..length]);
        }
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let said = Said {
            kind: Kind::Request,
            exchange: 0x0a_0b_0c,
            elapsed: Duration::from_millis(1500),
            client: &[7],
            server: Some(&[9]),
            address: Some("fd05::10".parse().unwrap()),
        };
        let bytes = write(&said);
        assert_eq!(bytes[..4], [3, 0x0a, 0x0b, 0x0c]);
        let heard = read(&bytes).unwrap();
        assert_eq!((heard.client, heard.server), (vec![7], vec![9]));
        assert!(options(&bytes[4..]).any(|option| option == (ELAPSED, &[0, 150])));
    }
}
