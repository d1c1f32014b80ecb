//! Connection tracking: what the kernel remembers of an address that is gone (`ctnetlink`).
//!
//! A new container that gets the address of a dead one would inherit its connections' translations; those of UDP
//! last for minutes.

mod udp;

use std::fs;
use std::io;
use std::net::IpAddr;

use netlink_packet_core::DefaultNla;
use netlink_packet_core::Nla as _;
use netlink_packet_netfilter::conntrack::{ConntrackAttribute, ConntrackMessage, IPTuple, Tuple};
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily, NetfilterSubsystem,
};
use netlink_sys::protocols::NETLINK_NETFILTER;
use netstate::Family;

use crate::netlink::{Netlink, Refusal, Request};

pub(crate) use udp::{Flow, forget_udp};

type Socket = Netlink<NetfilterMessage>;

/// The number of entries of the calling thread's network namespace.
const COUNT: &str = "/proc/sys/net/netfilter/nf_conntrack_count";

/// `IPCTNL_MSG_CT_DELETE`.
const DELETE: u8 = 2;

/// `NLA_F_NESTED`.
const NESTED: u16 = 1 << 15;

/// `CTA_FILTER`.
const FILTER: u16 = 0x19 | NESTED;

/// `CTA_ID` and `CTA_ZONE`, which with the original tuple make an entry unmistakable.
const IDENTITY: [u16; 2] = [12, 18];

/// Where an entry names a container that was a party to it: as who began the connection, and as who answers it. (Its
/// address as the first destination is the same as the second, or was translated away from it; each place more is a
/// walk through the kernel's whole table, 0.2 ms.)
const PLACES: [Place; 2] = [
    Place { tuple: ConntrackAttribute::CtaTupleOrig, flags: [SOURCE, 0] },
    Place { tuple: ConntrackAttribute::CtaTupleReply, flags: [0, SOURCE] },
];

/// `CTA_FILTER_FLAG_CTA_IP_SRC`.
const SOURCE: u32 = 1 << 0;

/// The source of a tuple.
struct Place {
    tuple: fn(Vec<Tuple>) -> ConntrackAttribute,
    /// What the kernel is to compare: `CTA_FILTER_ORIG_FLAGS` and `CTA_FILTER_REPLY_FLAGS`.
    flags: [u32; 2],
}

/// Connections could not be forgotten.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The number of entries can't be read.
    #[error("{COUNT}: {0}")]
    Count(#[source] io::Error),
    /// No netfilter socket, or it failed.
    #[error("netfilter socket for connection tracking: {0}")]
    Socket(#[from] io::Error),
    /// The kernel said no.
    #[error("{what} tracked connections of {address}: {source}")]
    Refused {
        /// List or delete.
        what: &'static str,
        /// Whose.
        address: IpAddr,
        /// The kernel's answer.
        source: Refusal,
    },
}

/// Deletes every tracked connection that one of these addresses began or answers, in the calling thread's network
/// namespace. A kernel without connection tracking has none, and one without ctnetlink keeps them to itself.
///
/// # Errors
/// [`Error`].
pub fn forget(addresses: &[IpAddr]) -> Result<(), Error> {
    if addresses.is_empty() || count()? == 0 {
        return Ok(());
    }
    let mut socket = match Socket::open(NETLINK_NETFILTER) {
        // Entries that nobody can be asked for end by themselves.
        Err(error) if error.raw_os_error() == Some(libc::EPROTONOSUPPORT) => return Ok(()),
        socket => socket?,
    };
    for address in addresses {
        if !address.is_ipv4() || !forget_by_filter(&mut socket, *address)? {
            forget_one_by_one(&mut socket, *address)?;
        }
    }
    Ok(())
}

fn count() -> Result<u64, Error> {
    match fs::read_to_string(COUNT) {
        // What is no number is no reason to leave entries behind.
        Ok(text) => Ok(text.trim().parse().unwrap_or(u64::MAX)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(Error::Count(error)),
    }
}

/// Has the kernel find the entries of an IPv4 address. Kernels that can't (6.1, say) refuse, for such a tuple is
/// incomplete: `Ok(false)`. Of IPv6 it must not be asked: up to 6.18 it deletes all entries but those that match (seen).
fn forget_by_filter(socket: &mut Socket, address: IpAddr) -> Result<bool, Error> {
    let requests = PLACES.iter().map(|place| {
        let tuple = (place.tuple)(vec![Tuple::Ip(vec![IPTuple::SourceAddress(address)])]);
        let [original, reply] = place.flags;
        let flags = [attribute(1, original), attribute(2, reply)].concat();
        // As plain attributes: the typed message would drop the flag that says that the filter is nested.
        let inner = NetfilterMessageInner::Other {
            subsys: NetfilterSubsystem::Conntrack,
            message_type: DELETE,
            attributes: vec![plain(&tuple), DefaultNla::new(FILTER, flags)],
        };
        Request::new(NetfilterMessage::new(header(address), inner), 0)
    });
    for answer in socket.exchange(requests.collect())? {
        match answer {
            Ok(_) => {}
            Err(refusal) if refusal.is(libc::EOPNOTSUPP) || refusal.is(libc::EINVAL) => return Ok(false),
            Err(source) => return Err(Error::Refused { what: "delete", address, source }),
        }
    }
    Ok(true)
}

/// Reads the whole table and deletes what has the address.
fn forget_one_by_one(socket: &mut Socket, address: IpAddr) -> Result<(), Error> {
    let table = match socket.dump(&message(address, ConntrackMessage::Get(Vec::new()))) {
        // The kernel tracks connections and lacks ctnetlink (CONFIG_NF_CT_NETLINK).
        Err(refusal) if refusal.is(libc::EINVAL) || refusal.is(libc::EOPNOTSUPP) => return Ok(()),
        table => table.map_err(|source| Error::Refused { what: "list", address, source })?,
    };
    for entry in table {
        let NetfilterMessageInner::Conntrack(ConntrackMessage::New(attributes)) = entry.inner else {
            continue;
        };
        if !attributes.iter().any(|attribute| has(attribute, address)) {
            continue;
        }
        let identity = attributes.into_iter().filter(|attribute| match attribute {
            ConntrackAttribute::CtaTupleOrig(_) => true,
            ConntrackAttribute::Other(other) => IDENTITY.contains(&other.kind()),
            _ => false,
        });
        let delete = message(address, ConntrackMessage::Delete(identity.collect()));
        match socket.request(Request::new(delete, 0)) {
            Ok(_) => {}
            Err(refusal) if refusal.is(libc::ENOENT) => {}
            Err(source) => return Err(Error::Refused { what: "delete", address, source }),
        }
    }
    Ok(())
}

fn has(attribute: &ConntrackAttribute, wanted: IpAddr) -> bool {
    let (ConntrackAttribute::CtaTupleOrig(parts) | ConntrackAttribute::CtaTupleReply(parts)) = attribute
    else {
        return false;
    };
    parts.iter().any(|part| match part {
        Tuple::Ip(addresses) => addresses.iter().any(|address| match address {
            IPTuple::SourceAddress(address) => *address == wanted,
            _ => false,
        }),
        _ => false,
    })
}

/// A message about the address's family.
fn message(address: IpAddr, inner: ConntrackMessage) -> NetfilterMessage {
    NetfilterMessage::new(header(address), inner)
}

fn header(address: IpAddr) -> NetfilterHeader {
    const FAMILIES: [NetfilterProtoFamily; 2] = [NetfilterProtoFamily::IPv4, NetfilterProtoFamily::IPv6];
    NetfilterHeader::new(FAMILIES[Family::of(address) as usize], 0, 0)
}

/// The same attribute without its type.
fn plain(typed: &ConntrackAttribute) -> DefaultNla {
    let mut value = vec![0; typed.value_len()];
    typed.emit_value(&mut value);
    DefaultNla::new(typed.kind() | NESTED, value)
}

/// An attribute that holds a number in the machine's own byte order.
fn attribute(kind: u16, value: u32) -> Vec<u8> {
    [&8_u16.to_ne_bytes()[..], &kind.to_ne_bytes(), &value.to_ne_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use nix::sched::{CloneFlags, unshare};

    use super::*;

    /// Inserts connections of 10.1.0.2 and `fd00:1::2` that it began and that it answers, and one of somebody else in each family.
    fn private_network_with_connections() {
        unshare(CloneFlags::CLONE_NEWNET).expect("a private network namespace needs root");
        for [source, destination, reply_source, reply_destination] in [
            ["10.1.0.2", "192.0.2.1", "192.0.2.1", "10.9.0.9"],
            ["192.0.2.2", "10.9.0.9", "10.1.0.2", "192.0.2.2"],
            ["10.1.0.3", "192.0.2.1", "192.0.2.1", "10.9.0.8"],
            ["fd00:1::2", "2001:db8::1", "2001:db8::1", "fd00:9::9"],
            ["2001:db8::1", "fd00:9::9", "fd00:1::2", "2001:db8::1"],
            ["fd00:1::3", "2001:db8::1", "2001:db8::1", "fd00:9::8"],
        ] {
            let output = Command::new("conntrack")
                .args(["-I", "-p", "udp", "-t", "600", "--sport", "1000", "--dport", "53"])
                .args(["-s", source, "-d", destination, "-r", reply_source, "-q", reply_destination])
                .args(["--reply-port-src", "53", "--reply-port-dst", "1000"])
                .output()
                .expect("conntrack must be installed");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        assert_eq!(count().unwrap(), 6);
    }

    /// The source of every entry left.
    fn left() -> Vec<String> {
        let mut sources = Vec::new();
        for family in ["ipv4", "ipv6"] {
            let output = Command::new("conntrack").args(["-L", "-f", family]).output().expect("conntrack");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            sources.extend(
                text.split_whitespace()
                    .filter_map(|word| word.strip_prefix("src="))
                    .step_by(2)
                    .map(str::to_owned),
            );
        }
        sources
    }

    const GONE: [&str; 2] = ["10.1.0.2", "fd00:1::2"];

    #[test]
    fn connections_of_a_gone_address_are_forgotten_and_no_others() {
        private_network_with_connections();
        forget(&GONE.map(|address| address.parse().unwrap())).unwrap();
        assert_eq!(left(), ["10.1.0.3", "fd00:1::3"]);
    }

    /// A refusal of the filter would go unnoticed but for the time that it takes to list the whole table.
    #[test]
    fn a_kernel_of_today_finds_them_itself() {
        private_network_with_connections();
        let mut socket = Socket::open(NETLINK_NETFILTER).unwrap();
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        let mut numbers = release.split('.').map_while(|number| number.parse::<u32>().ok());
        let today = (numbers.next(), numbers.next()) >= (Some(6), Some(12));
        let found = forget_by_filter(&mut socket, GONE[0].parse().unwrap()).unwrap();
        assert!(found || !today, "{release}");
        assert!(!today || left()[0] == "10.1.0.3", "{:?}", left());
    }

    #[test]
    fn an_older_kernel_has_them_listed_and_deleted_one_by_one() {
        private_network_with_connections();
        let mut socket = Socket::open(NETLINK_NETFILTER).unwrap();
        for address in GONE {
            forget_one_by_one(&mut socket, address.parse().unwrap()).unwrap();
        }
        assert_eq!(left(), ["10.1.0.3", "fd00:1::3"]);
    }

    #[test]
    fn an_empty_table_is_nothing_to_do() {
        unshare(CloneFlags::CLONE_NEWNET).expect("a private network namespace needs root");
        forget(&GONE.map(|address| address.parse().unwrap())).unwrap();
    }
}
