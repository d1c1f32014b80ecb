//! A table of xtables-legacy as the kernel itself has it (`linux/netfilter_ipv4/ip_tables.h`): an agent's image has none
//! of the programs that could tell.

use std::fs;
use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use netstate::Family;

use super::error::Error;

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

/// `struct xt_entry_target` and `struct xt_entry_match`: a 16-bit size, a name of 29 bytes, a revision.
const XTABLES_NAME: usize = 2;
pub(super) const XTABLES_DATA: usize = 32;

/// The table changed between two questions so often.
const TRIES: u32 = 100;

/// What is different for a family.
pub(super) struct Row {
    /// The tables in use. The thread's own network namespace counts, not the process's.
    pub(super) tables: &'static str,
    /// The program for an operator.
    pub(super) program: &'static str,
    /// The protocol level of the questions.
    level: libc::c_int,
    /// Where an entry (`struct ipt_entry`) has the distance to its target; that to the next entry follows it.
    offsets: usize,
}

/// One row a family, in the order of [`Family::ALL`].
const ROWS: [Row; 2] = [
    Row {
        tables: "/proc/thread-self/net/ip_tables_names",
        program: "iptables-legacy",
        level: libc::IPPROTO_IP,
        offsets: 88,
    },
    Row {
        tables: "/proc/thread-self/net/ip6_tables_names",
        program: "ip6tables-legacy",
        level: libc::IPPROTO_IPV6,
        offsets: 140,
    },
];

/// The row of a family.
pub(super) fn row(family: Family) -> &'static Row {
    &ROWS[family as usize]
}

/// Has a table of xtables-legacy a chain of this name?
///
/// # Errors
/// Where the kernel can't be asked.
pub(crate) fn has_legacy_chain(family: Family, table: &str, chain: &str) -> Result<bool, Error> {
    let read = LegacyTable::read(family, table);
    let read = read.map_err(|source| Error::Legacy { program: row(family).tables.to_owned(), source })?;
    Ok(read.is_some_and(|table| table.has_chain(chain)))
}

/// A table's rules.
pub(super) struct LegacyTable {
    info: Vec<u8>,
    answer: Vec<u8>,
    row: &'static Row,
}

impl LegacyTable {
    /// Reads a table; none where it is not in use. To ask for a table that is not in use would make it.
    ///
    /// # Errors
    /// Where the kernel can't be asked.
    pub(super) fn read(family: Family, name: &str) -> io::Result<Option<Self>> {
        let row = row(family);
        let tables = match fs::read_to_string(row.tables) {
            Ok(tables) => tables,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !tables.lines().any(|table| table == name) {
            return Ok(None);
        }
        let socket = UdpSocket::bind((family.unspecified(), 0))?;
        for _ in 0..TRIES {
            let mut info = named(name, INFO);
            ask(&socket, row.level, (GET_INFO, &mut info))?;
            let mut answer = named(name, ENTRIES + number(&info, SIZE) as usize);
            answer[ENTRIES_SIZE..ENTRIES_SIZE + 4].copy_from_slice(&info[SIZE..SIZE + 4]);
            match ask(&socket, row.level, (GET_ENTRIES, &mut answer)) {
                Ok(()) => return Ok(Some(Self { info, answer, row })),
                Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::from_raw_os_error(libc::EAGAIN))
    }

    /// All entries, one after the other.
    pub(super) fn entries(&self) -> &[u8] {
        &self.answer[ENTRIES..]
    }

    /// Where the first and the last rule of a built-in chain stand among the entries, by its hook (`NF_INET_*`).
    pub(super) fn built_in(&self, hook: usize) -> (usize, usize) {
        let [first, last] = [ENTRY_POINTS, UNDERFLOWS].map(|at| number(&self.info, at + 4 * hook) as usize);
        (first, last)
    }

    /// Is there a chain of somebody's own of this name? It begins with an entry whose target `ERROR` holds the name.
    pub(super) fn has_chain(&self, chain: &str) -> bool {
        let mut rest = self.entries();
        loop {
            let target = rest.get(self.row.target(rest)..).unwrap_or_default();
            if name(target) == Some(b"ERROR") && text(target.get(XTABLES_DATA..)) == Some(chain.as_bytes()) {
                return true;
            }
            match self.row.next(rest) {
                0 => return false,
                next => rest = rest.get(next..).unwrap_or_default(),
            }
        }
    }
}

impl Row {
    /// The distance from an entry to its target.
    pub(super) fn target(&self, entry: &[u8]) -> usize {
        offset(entry, self.offsets)
    }

    /// The distance from an entry to the next; 0 behind the last.
    pub(super) fn next(&self, entry: &[u8]) -> usize {
        offset(entry, self.offsets + 2)
    }
}

/// A question about a table, of so many bytes.
fn named(table: &str, length: usize) -> Vec<u8> {
    let mut question = table.as_bytes().to_vec();
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
pub(super) fn number(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes);
    found.unwrap_or(0)
}

/// A 16-bit number of the kernel's, or 0 behind the end.
pub(super) fn offset(bytes: &[u8], at: usize) -> usize {
    let found = bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    found.unwrap_or(0).into()
}

/// The name of a target or match.
pub(super) fn name(extension: &[u8]) -> Option<&[u8]> {
    text(extension.get(XTABLES_NAME..XTABLES_DATA))
}

/// What stands before the closing zero.
fn text(bytes: Option<&[u8]>) -> Option<&[u8]> {
    bytes?.split(|byte| *byte == 0).next()
}
