//! The firewall's two tables: their sets, and rules that never change.

use netlink_packet_netfilter::NetfilterProtoFamily;
use netlink_packet_netfilter::nftables::{InetHookNumber, MetaKey, Operator, Register};

use crate::nftables::address::{ROWS, protocol_is};
use crate::nftables::expression::{Expression, accept, compare, drop, is_in, meta, meta_into};
use crate::nftables::message::{BaseChain, Table};
use crate::nftables::set::{ByteOrder, Holds, SetType};
use crate::nftables::structure::Chain;

/// The table of what is forwarded between links.
pub(super) const INET: Table = Table { family: NetfilterProtoFamily::Inet, name: super::NAME };

/// The table of what is forwarded between ports of a bridge.
pub(super) const BRIDGE: Table = Table { family: NetfilterProtoFamily::Bridge, name: super::NAME };

/// Addresses whose packets are let through, in the order of [`netstate::Family::ALL`].
pub(super) const ACCEPTED: [&str; 2] = ["accepted4", "accepted6"];

/// Who wants a bridge separated from others, but not its containers from each other.
pub(super) const SAME_BRIDGE: &str = "same-bridge";

/// Who wants a bridge separated, and its own container from the others on it. In the bridge's table: the ports.
pub(super) const ISOLATED: &str = "isolated";

/// Bridges that are separated from each other.
pub(super) const SEPARATED: &str = "separated";

/// Bridges whose containers reach each other.
pub(super) const WITHIN: &str = "within";

const FORWARD: &str = "forward";

/// nft's `TYPE_IPADDR6` and `TYPE_IFNAME`; a concatenation has 6 bits for each.
const IP6ADDR: u32 = 8;
const IFNAME: u32 = 41;

/// `IFNAMSIZ`
const NAME: u32 = 16;

/// `ETH_P_ARP`, as packets have it.
const ARP: [u8; 2] = [0x08, 0x06];

fn links(key: u32, length: u32) -> SetType {
    SetType { key, length, order: ByteOrder::Host, holds: Holds::Keys }
}

/// `type filter hook forward priority filter`
pub(super) fn forward() -> Chain {
    let addresses = ROWS.iter().zip(ACCEPTED).map(|(row, set)| {
        let length = row.source.length();
        (set, SetType { key: row.address_type, length, order: ByteOrder::Network, holds: Holds::Keys })
    });
    let mut sets: Vec<(&'static str, SetType)> = addresses.collect();
    sets.push((SEPARATED, links(IFNAME, NAME)));
    sets.push((WITHIN, links(IFNAME << 6 | IFNAME, 2 * NAME)));
    // No rule holds these two.
    let counting = || SetType {
        key: IFNAME << 6 | IP6ADDR,
        length: NAME + 16,
        order: ByteOrder::Mixed,
        holds: Holds::Keys,
    };
    sets.extend([SAME_BRIDGE, ISOLATED].map(|set| (set, counting())));
    let mut rules = vec![
        // iifname . oifname @within accept
        vec![meta(MetaKey::Iifname), meta_into(MetaKey::Oifname, Register::Reg2), is_in(WITHIN), accept()],
        // iifname @separated oifname @separated drop
        vec![meta(MetaKey::Iifname), is_in(SEPARATED), meta(MetaKey::Oifname), is_in(SEPARATED), drop()],
    ];
    // ip saddr @accepted4 accept
    // ip6 saddr @accepted6 accept
    rules.extend(ROWS.iter().zip(ACCEPTED).map(|(row, set)| -> Vec<Expression> {
        let source = [row.source.load(Register::Reg1), is_in(set), accept()];
        [protocol_is(row.protocol).as_slice(), source.as_slice()].concat()
    }));
    Chain {
        table: INET,
        name: FORWARD.to_owned(),
        sets,
        base: Some(BaseChain::at("filter", InetHookNumber::Forward, 0)),
        rules,
    }
}

/// `type filter hook forward priority filter` of bridges, whose hook has the same number.
pub(super) fn bridged() -> Chain {
    Chain {
        table: BRIDGE,
        name: FORWARD.to_owned(),
        sets: vec![(ISOLATED, links(IFNAME, NAME))],
        base: Some(BaseChain::at("filter", InetHookNumber::Forward, 0)),
        // meta protocol != arp iifname @isolated oifname @isolated drop
        rules: vec![vec![
            meta(MetaKey::EtherTypeProtocol),
            compare(Operator::NotEqual, ARP.to_vec()),
            meta(MetaKey::Iifname),
            is_in(ISOLATED),
            meta(MetaKey::Oifname),
            is_in(ISOLATED),
            drop(),
        ]],
    }
}
