//! What is constant: two tables, their sets and maps, and rules that never change. One more chain for each subnet.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netlink_packet_netfilter::NetfilterProtoFamily;
use netlink_packet_netfilter::nftables::{Hook, HookNumber, InetHookNumber, MetaKey, Register};
use netstate::{Family, RuleKind};

use super::answer::Rule;
use super::expression::{
    Expression, Field, drop, equals, is_in, is_not_in, leave_chain, mask, masquerade, meta, verdict_of,
};
use super::message::{BaseChain, ByteOrder, Change, SetType, Table};

/// The table that masquerades.
pub(super) const INET: Table = Table { family: NetfilterProtoFamily::Inet, name: "trestle" };

/// The table that guards against forged MACs.
pub(super) const BRIDGE: Table = Table { family: NetfilterProtoFamily::Bridge, name: "trestle" };

/// Both.
pub(super) const TABLES: [Table; 2] = [INET, BRIDGE];

/// The one that holds rules of this kind.
pub(super) fn table(kind: RuleKind) -> Table {
    match kind {
        RuleKind::Masquerade => INET,
        RuleKind::MacGuard => BRIDGE,
    }
}

/// What `nft list tables` says of them.
pub(super) const COMMENT: &str = "rules of containers on this node, kept by Trestle's CNI plugins";

/// The set of links whose frames need a permit.
pub(super) const GUARDED: &str = "guarded";

/// The set of permits: a link and the MAC that may send by it.
pub(super) const PERMITTED: &str = "permitted";

const POSTROUTING: &str = "postrouting";
const PREROUTING: &str = "prerouting";

/// `TYPE_VERDICT` of nft's data types.
const VERDICT: u32 = 0xffff_ff00;

/// `TYPE_IFNAME` and `TYPE_ETHERADDR`; a concatenation has 6 bits for each.
const IFNAME: u32 = 41;
const ETHERADDR: u32 = 9;

/// What differs between the families, as `nf_tables` sees them.
pub(super) struct Row {
    /// The map of pod addresses.
    pub(super) map: &'static str,
    /// `NFPROTO_IPV4` or `NFPROTO_IPV6`.
    protocol: u8,
    /// nft's data type of an address.
    address_type: u32,
    /// The source address in the header.
    pub(super) source: Field,
    /// The destination address in the header.
    destination: Field,
    /// Multicast is never masqueraded: its first byte and prefix length.
    multicast: (u8, u8),
}

/// One row a family, in the order of [`Family::ALL`].
pub(super) const MASQUERADE: [Row; 2] = [
    Row {
        map: "masquerade4",
        protocol: 2,
        address_type: 7,
        source: Field::ip(12, 4),
        destination: Field::ip(16, 4),
        multicast: (0xe0, 4),
    },
    Row {
        map: "masquerade6",
        protocol: 10,
        address_type: 8,
        source: Field::ip(8, 16),
        destination: Field::ip(24, 16),
        multicast: (0xff, 8),
    },
];

/// The row of an address's family.
pub(super) fn row(address: IpAddr) -> &'static Row {
    &MASQUERADE[Family::of(address) as usize]
}

/// A chain as it must be.
pub(super) struct Chain {
    /// Its table.
    pub(super) table: Table,
    /// Its name.
    pub(super) name: String,
    /// The sets that its rules look into.
    sets: Vec<(&'static str, SetType)>,
    /// Where it is hooked in, if it is a base chain.
    base: Option<BaseChain>,
    /// Its rules.
    rules: Vec<Vec<Expression>>,
}

/// `type nat hook postrouting priority srcnat`, where every pod address finds its subnet's chain.
pub(super) fn postrouting() -> Chain {
    Chain {
        table: INET,
        name: POSTROUTING.to_owned(),
        sets: MASQUERADE
            .iter()
            .map(|row| {
                let length = row.source.length();
                (
                    row.map,
                    SetType { key: row.address_type, length, order: ByteOrder::Network, data: Some(VERDICT) },
                )
            })
            .collect(),
        base: Some(BaseChain {
            kind: "nat",
            hook: vec![Hook::Number(HookNumber::Inet(InetHookNumber::PostRouting)), Hook::Priority(100)],
        }),
        // ip saddr vmap @masquerade4
        // ip6 saddr vmap @masquerade6
        rules: MASQUERADE
            .iter()
            .map(|row| {
                [
                    protocol_is(row.protocol).as_slice(),
                    &[row.source.load(Register::Reg1), verdict_of(row.map)],
                ]
                .concat()
            })
            .collect(),
    }
}

/// The chain that masquerades what leaves a subnet.
pub(super) fn outside(subnet: IpNetwork) -> Chain {
    let row = row(subnet.ip());
    let (first, prefix) = row.multicast;
    let network = bytes(subnet.network());
    let mut multicast = vec![0; network.len()];
    multicast[0] = first;
    // ip daddr 10.1.0.0/24 return
    // ip daddr 224.0.0.0/4 return
    // masquerade
    Chain {
        table: INET,
        name: outside_name(subnet),
        sets: Vec::new(),
        base: None,
        rules: vec![
            returns(row, network, subnet.prefix()),
            returns(row, multicast, prefix),
            vec![masquerade()],
        ],
    }
}

/// Its name: `-` stands where an IPv6 address has `:`, which nft takes in no name.
pub(super) fn outside_name(subnet: IpNetwork) -> String {
    format!("outside-{}/{}", subnet.network(), subnet.prefix()).replace(':', "-")
}

/// `type filter hook prerouting priority -300` of bridges: no frame with a forged source MAC.
pub(super) fn prerouting() -> Chain {
    Chain {
        table: BRIDGE,
        name: PREROUTING.to_owned(),
        sets: vec![
            (GUARDED, SetType { key: IFNAME, length: 16, order: ByteOrder::Host, data: None }),
            (
                PERMITTED,
                SetType { key: IFNAME << 6 | ETHERADDR, length: 24, order: ByteOrder::Mixed, data: None },
            ),
        ],
        base: Some(BaseChain {
            kind: "filter",
            hook: vec![
                Hook::Number(HookNumber::Inet(InetHookNumber::PreRouting)),
                Hook::Priority((-300_i32).cast_unsigned()),
            ],
        }),
        // iifname @guarded iifname . ether saddr != @permitted drop
        rules: vec![vec![
            meta(MetaKey::Iifname),
            is_in(GUARDED),
            meta(MetaKey::Iifname),
            Field::ETHER_SOURCE.load(Register::Reg2),
            is_not_in(PERMITTED),
            drop(),
        ]],
    }
}

impl Chain {
    /// Are these, among the rules of its table, the rules of this chain? Then chain, sets and table stand too: the
    /// kernel keeps none of them from under a rule.
    pub(super) fn stands(&self, table: &[Rule]) -> bool {
        let found: Vec<&Rule> = table.iter().filter(|rule| rule.chain == self.name).collect();
        found.len() == self.rules.len()
            && self.rules.iter().zip(found).all(|(wanted, found)| found.says(wanted))
    }

    /// What makes it as it must be, whatever is there.
    pub(super) fn build(&self, table: &[Rule]) -> Vec<Change> {
        let mut changes = vec![self.table.create(COMMENT)];
        changes.extend(self.sets.iter().map(|(set, kind)| self.table.create_set(set, kind)));
        changes.push(self.table.create_chain(&self.name, self.base.as_ref()));
        if table.iter().any(|rule| rule.chain == self.name) {
            changes.push(self.table.flush_chain(&self.name));
        }
        changes.extend(self.rules.iter().map(|rule| self.table.append_rule(&self.name, rule)));
        changes
    }
}

/// `meta nfproto ipv4`
fn protocol_is(protocol: u8) -> [Expression; 2] {
    [meta(MetaKey::Nfproto), equals(vec![protocol])]
}

/// `ip daddr network/prefix return`
fn returns(row: &Row, network: Vec<u8>, prefix: u8) -> Vec<Expression> {
    let mut rule = protocol_is(row.protocol).to_vec();
    rule.push(row.destination.load(Register::Reg1));
    let all = network.len() * 8;
    if usize::from(prefix) < all {
        rule.push(mask(netmask(prefix, network.len())));
    }
    rule.extend([equals(network), leave_chain()]);
    rule
}

/// `prefix` bits of ones in `length` bytes.
fn netmask(prefix: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|byte| {
            let ones = usize::from(prefix).saturating_sub(byte * 8).min(8);
            !0xff_u8.checked_shr(u32::try_from(ones).unwrap_or(8)).unwrap_or(0)
        })
        .collect()
}

/// The bytes of an address, as packets have them.
pub(super) fn bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subnet_has_a_name_of_its_own() {
        for (subnet, name) in [
            ("10.1.0.7/24", "outside-10.1.0.0/24"),
            ("10.1.0.0/25", "outside-10.1.0.0/25"),
            ("fd00:1::5/64", "outside-fd00-1--/64"),
            ("::/0", "outside---/0"),
        ] {
            assert_eq!(outside_name(subnet.parse().unwrap()), name);
        }
    }

    #[test]
    fn a_mask_has_as_many_ones_as_the_prefix_says() {
        for (prefix, mask) in [
            (0, [0, 0, 0, 0]),
            (4, [0xf0, 0, 0, 0]),
            (8, [0xff, 0, 0, 0]),
            (23, [0xff, 0xff, 0xfe, 0]),
            (32, [0xff; 4]),
        ] {
            assert_eq!(netmask(prefix, 4), mask);
        }
    }
}
