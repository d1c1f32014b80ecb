//! The `FORWARD` of xtables-legacy: its rules stand before, and apart from, all of `nf_tables`, and only its own
//! programs can change them. What they do is read from the kernel itself (`linux/netfilter_ipv4/ip_tables.h`), for
//! an agent's image has none of those programs.

use std::fs;
use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use ipnetwork::IpNetwork;
use netstate::{Family, PodRules};

use super::address;
use super::blocked::Blocked;
use super::effect::{Effect, Side, lets_through, ones};
use super::error::Error;
use super::forward::network;

/// `IPT_SO_GET_INFO` and `IPT_SO_GET_ENTRIES`; IPv6 has the same numbers.
const GET_INFO: libc::c_int = 64;
const GET_ENTRIES: libc::c_int = 65;

/// `struct ipt_getinfo`: a name of 32 bytes, the valid hooks, 5 entry points, 5 underflows, two sizes.
const INFO: usize = 84;
const ENTRY_POINTS: usize = 36;
const UNDERFLOWS: usize = 56;
const SIZE: usize = 80;

/// `struct ipt_get_entries` up to its entries, and where it has their size.
const ENTRIES: usize = 40;
const ENTRIES_SIZE: usize = 32;

/// `NF_INET_FORWARD`.
const FORWARD: usize = 2;

/// `-NF_ACCEPT - 1`, `-NF_DROP - 1` and `XT_RETURN`.
const ACCEPT: i32 = -2;
const DROP: i32 = -1;
const RETURN: i32 = -5;

/// So deep are chains followed.
const DEPTH: usize = 8;

/// The table changed between two questions so often.
const TRIES: u32 = 100;

/// A family's `struct ipt_entry`, which begins with what the rule asks of the IP header.
struct Row {
    /// The tables in use. The thread's own network namespace counts, not the process's.
    tables: &'static str,
    /// The program for an operator.
    program: &'static str,
    /// The protocol level of the questions.
    level: libc::c_int,
    /// Bytes of an address.
    address: usize,
    /// Bytes of what is asked of the header; source, destination, and their masks come first.
    header: usize,
    /// Where the distance to the target stands; that to the next entry follows it.
    offsets: usize,
    /// Bytes of the whole entry: matches and target follow.
    entry: usize,
}

/// One row a family, in the order of [`Family::ALL`].
const ROWS: [Row; 2] = [
    Row {
        tables: "/proc/thread-self/net/ip_tables_names",
        program: "iptables-legacy",
        level: libc::IPPROTO_IP,
        address: 4,
        header: 84,
        offsets: 88,
        entry: 112,
    },
    Row {
        tables: "/proc/thread-self/net/ip6_tables_names",
        program: "ip6tables-legacy",
        level: libc::IPPROTO_IPV6,
        address: 16,
        header: 136,
        offsets: 140,
        entry: 168,
    },
];

/// For which families it keeps pods' packets back, in the calling thread's network namespace.
///
/// # Errors
/// [`Error::Legacy`], where the kernel can't be asked.
pub(super) fn blocked(rules: &PodRules) -> Result<Vec<Blocked>, Error> {
    let mut blocked = Vec::new();
    for family in Family::ALL {
        let Some(network) = network(rules, family).filter(|_| rules.forward) else { continue };
        if drops(network)? {
            blocked.push(Blocked::by_legacy(ROWS[family as usize].program, family, network));
        }
    }
    Ok(blocked)
}

/// Does it drop packets that this network sends or gets?
///
/// # Errors
/// [`Error::Legacy`], where the kernel can't be asked.
pub(crate) fn drops(network: IpNetwork) -> Result<bool, Error> {
    let family = Family::of(network.ip());
    let row = &ROWS[family as usize];
    let effects =
        read(row, family).map_err(|source| Error::Legacy { program: row.tables.to_owned(), source })?;
    Ok(!lets_through(effects, Effect::AcceptsAll, network))
}

/// What each rule of `FORWARD` does, its policy last; none where the table is not in use. To ask for a table that is
/// not in use would make it.
fn read(row: &Row, family: Family) -> io::Result<Vec<Effect>> {
    let tables = match fs::read_to_string(row.tables) {
        Ok(tables) => tables,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    if !tables.lines().any(|table| table == "filter") {
        return Ok(Vec::new());
    }
    let socket = UdpSocket::bind((family.unspecified(), 0))?;
    for _ in 0..TRIES {
        let mut info = named(INFO);
        ask(&socket, row.level, (GET_INFO, &mut info))?;
        let mut entries = named(ENTRIES + number(&info, SIZE) as usize);
        entries[ENTRIES_SIZE..ENTRIES_SIZE + 4].copy_from_slice(&info[SIZE..SIZE + 4]);
        match ask(&socket, row.level, (GET_ENTRIES, &mut entries)) {
            Ok(()) => {
                let entries = Entries { row, bytes: &entries[ENTRIES..], depth: DEPTH };
                let [first, last] =
                    [ENTRY_POINTS, UNDERFLOWS].map(|at| number(&info, at + 4 * FORWARD) as usize);
                return Ok(entries.walk(first, last));
            }
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from_raw_os_error(libc::EAGAIN))
}

/// A question about the table `filter`, of so many bytes.
fn named(length: usize) -> Vec<u8> {
    let mut question = b"filter".to_vec();
    question.resize(length, 0);
    question
}

#[expect(unsafe_code, reason = "no crate of ours knows this option")]
fn ask(socket: &UdpSocket, level: libc::c_int, (option, answer): (libc::c_int, &mut [u8])) -> io::Result<()> {
    let mut length = libc::socklen_t::try_from(answer.len()).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `length` bytes to `answer`, which is as long, and the socket is open.
    let done = unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, option, answer.as_mut_ptr().cast(), &raw mut length)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A 32-bit number of the kernel's, or 0 behind the end.
fn number(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes);
    found.unwrap_or(0)
}

/// A 16-bit number of the kernel's, or 0 behind the end.
fn offset(bytes: &[u8], at: usize) -> usize {
    let found = bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    found.unwrap_or(0).into()
}

/// A table's rules, and how deep chains are still followed to chains that every packet is sent to.
struct Entries<'a> {
    row: &'a Row,
    bytes: &'a [u8],
    depth: usize,
}

/// What a rule does where its conditions are met.
enum Ending {
    Here(Effect),
    /// The packet goes through the chain that begins at this place.
    Chain(usize),
}

impl Entries<'_> {
    /// What the rules of a chain do, from its first to its last, or to where every packet goes back.
    fn walk(&self, first: usize, last: usize) -> Vec<Effect> {
        let (mut at, mut effects) = (first, Vec::new());
        while at <= last {
            let Some(entry) = self.bytes.get(at..) else { break };
            match ending(self.row, entry) {
                Ending::Here(Effect::Returns) => break,
                Ending::Here(effect) => effects.push(effect),
                Ending::Chain(_) if self.depth == 0 => effects.push(Effect::Other),
                Ending::Chain(first) => {
                    let inner = Entries { depth: self.depth - 1, ..*self };
                    // A chain of somebody's own ends with a rule that sends every packet back.
                    effects.extend(inner.walk(first, usize::MAX));
                }
            }
            match offset(entry, self.row.offsets + 2) {
                0 => break,
                next => at += next,
            }
        }
        effects
    }
}

/// What a rule does to all packets, or to those of one network.
fn ending(row: &Row, entry: &[u8]) -> Ending {
    const OTHER: Ending = Ending::Here(Effect::Other);
    let target = offset(entry, row.offsets);
    let (Some(header), Some(ending)) =
        (entry.get(..row.header), verdict(entry.get(target..).unwrap_or_default()))
    else {
        return OTHER;
    };
    if !only_comments(entry.get(row.entry..target).unwrap_or_default()) {
        return OTHER;
    }
    let length = row.address;
    let (addresses, rest) = header.split_at(4 * length);
    if rest.iter().any(|byte| *byte != 0) {
        return OTHER;
    }
    let condition = |side: usize| {
        let (address, mask) = (&addresses[side * length..], &addresses[(2 + side) * length..]);
        network_of(&address[..length], &mask[..length])
    };
    let (Some(source), Some(destination)) = (condition(0), condition(1)) else { return OTHER };
    match (source.prefix(), destination.prefix(), ending) {
        (0, 0, ending) => ending,
        (_, 0, Ending::Here(Effect::AcceptsAll)) => Ending::Here(Effect::Accepts(Side::Source, source)),
        (0, _, Ending::Here(Effect::AcceptsAll)) => {
            Ending::Here(Effect::Accepts(Side::Destination, destination))
        }
        _ => OTHER,
    }
}

fn network_of(bytes: &[u8], mask: &[u8]) -> Option<IpNetwork> {
    address::network(bytes, u8::try_from(ones(mask)?).ok()?)
}

/// `struct xt_entry_target` and `struct xt_entry_match`: a 16-bit size, a name of 29 bytes, a revision.
const XTABLES_NAME: usize = 2;
const XTABLES_DATA: usize = 32;

/// What the target does.
fn verdict(target: &[u8]) -> Option<Ending> {
    // `XT_STANDARD_TARGET` holds the place of a chain, or a verdict, less than 0.
    match (name(target)?, number(target, XTABLES_DATA).cast_signed()) {
        (b"", ACCEPT) => Some(Ending::Here(Effect::AcceptsAll)),
        (b"", DROP) | (b"REJECT", _) => Some(Ending::Here(Effect::DropsAll)),
        (b"", RETURN) => Some(Ending::Here(Effect::Returns)),
        (b"", place) => usize::try_from(place).ok().map(Ending::Chain),
        _ => None,
    }
}

/// Is there nothing among the matches that a packet could fail?
fn only_comments(mut matches: &[u8]) -> bool {
    while !matches.is_empty() {
        if name(matches) != Some(b"comment") {
            return false;
        }
        matches = matches.get(offset(matches, 0).max(XTABLES_DATA)..).unwrap_or_default();
    }
    true
}

fn name(extension: &[u8]) -> Option<&[u8]> {
    extension.get(XTABLES_NAME..XTABLES_DATA)?.split(|byte| *byte == 0).next()
}
