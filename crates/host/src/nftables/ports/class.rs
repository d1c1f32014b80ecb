//! The chains and maps of a class of networks: those with the same conditions and the same mark share theirs, so
//! nobody's conditions hold for another.

use std::fmt::Write as _;

use ipnetwork::IpNetwork;
use netlink_packet_netfilter::nftables::{InetHookNumber, MetaKey, Operator, Register};
use netstate::{Family, Hairpin, MarkBit, PortClass, SourcePort};
use sha2::{Digest, Sha256};

use super::{condition, loopback};
use crate::nftables::address::{ROWS, Row, address_compares, protocol_is, row};
use crate::nftables::answer::Rule;
use crate::nftables::error::Error;
use crate::nftables::expression::{Expression, jump_to, masquerade, verdict_of};
use crate::nftables::field::Field;
use crate::nftables::message::{BaseChain, Change};
use crate::nftables::session::Session;
use crate::nftables::set::{ByteOrder, Holds, SetType, Values};
use crate::nftables::structure::{COMMENT, Chain, INET, VERDICT};
use crate::nftables::translation::{
    PROTOCOLS, is_for_the_node, mark_has, meta_to, send_to, set_mark, value_of,
};

/// The chain that looks ports up.
const ANCHOR: &str = "ports";

/// `dstnat + 1`: after kube-proxy, Docker and iptables, before firewalld.
const AFTER_SERVICES: i32 = -99;

/// `TYPE_INET_PROTOCOL` and `TYPE_INET_SERVICE`; a concatenation has 6 bits for each.
const PROTOCOL: u32 = 12;
const SERVICE: u32 = 13;

/// Hexadecimal digits that tell classes apart.
const DIGITS: usize = 8;

/// The maps of one family, without the class's suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Map {
    /// Protocol and port, on whatever address.
    Ports,
    /// Address, protocol and port.
    ByAddress,
    /// Address, protocol and a range of ports that keep their numbers; any address is a range, too.
    Ranges,
    /// Containers' addresses.
    Hairpins,
}

impl Map {
    /// Those that hold ports, in the order in which packets meet them.
    pub(super) const OF_PORTS: [Self; 3] = [Self::ByAddress, Self::Ports, Self::Ranges];

    /// Its name: `ports4`, `ports4-1a2b3c4d`.
    pub(super) fn name(self, family: Family, suffix: &str) -> String {
        let name = match self {
            Self::Ports => "ports",
            Self::ByAddress => "ports-by-address",
            Self::Ranges => "port-ranges",
            Self::Hairpins => "hairpins",
        };
        format!("{name}{}{suffix}", [4, 6][family as usize])
    }

    fn kind(self, row: &Row) -> SetType {
        let address = row.source.length();
        let pair = PROTOCOL << 6 | SERVICE;
        let triple = row.address_type << 12 | pair;
        let parts: &'static [u32] = if address == 4 { &[4, 1, 2] } else { &[16, 1, 2] };
        let socket = Values { kind: row.address_type << 6 | SERVICE, length: address + 4, parts: &[] };
        let (key, length, order, holds) = match self {
            Self::Ports => (pair, 8, ByteOrder::Mixed, Holds::Values(socket)),
            Self::ByAddress => (triple, address + 8, ByteOrder::Mixed, Holds::Values(socket)),
            Self::Ranges => {
                let values = Values { kind: row.address_type, length: address, parts };
                (triple, address + 8, ByteOrder::Mixed, Holds::Values(values))
            }
            Self::Hairpins => (row.address_type, address, ByteOrder::Network, Holds::Verdicts(VERDICT)),
        };
        SetType { key, length, order, holds }
    }
}

/// A class.
pub(super) struct Class {
    suffix: String,
    mark: MarkBit,
    /// What packets meet before it is asked where they go.
    gates: Vec<Vec<Expression>>,
}

impl Class {
    /// The class of a network. The usual one, with the usual mark and no conditions, has no suffix.
    pub(super) fn of(class: &PortClass) -> Self {
        let suffix = if *class == PortClass::default() { String::new() } else { suffix(class) };
        Self { suffix, mark: class.mark, gates: condition::gates(&class.conditions) }
    }

    /// What its names end with.
    pub(super) fn suffix(&self) -> &str {
        &self.suffix
    }

    /// The chain that looks ports up.
    pub(super) fn anchor(&self) -> String {
        self.named(ANCHOR)
    }

    /// What makes its chains as they must be, with those of the networks that these hairpins are for.
    ///
    /// # Errors
    /// What looking meets.
    pub(super) fn broken(&self, session: &mut Session, hairpins: &[Hairpin]) -> Result<Vec<Change>, Error> {
        let rules = session.rules(INET, None)?;
        let mut chains: Vec<Chain> = Vec::new();
        for hairpin in hairpins {
            let chain = inside(hairpin.sources);
            if !chains.iter().any(|known| known.name == chain.name) {
                chains.push(chain);
            }
        }
        chains.extend(self.chains());
        chains.push(loopback::chain());
        chains.retain(|chain| !chain.stands(&rules));
        let sets = if chains.is_empty() { Vec::new() } else { self.sets() };
        let mut changes: Vec<Change> = Vec::new();
        if !chains.is_empty() {
            changes.push(INET.create(COMMENT));
        }
        changes.extend(sets.iter().map(|(name, kind)| INET.create_set(name, kind)));
        changes.extend(chains.iter().map(Chain::create));
        changes.extend(chains.iter().flat_map(|chain: &Chain| chain.fill(&rules as &[Rule])));
        Ok(changes)
    }

    fn named(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    fn sets(&self) -> Vec<(String, SetType)> {
        let maps = Map::OF_PORTS.into_iter().chain([Map::Hairpins]);
        let both = maps.flat_map(|map| Family::ALL.map(|family| (map, family)));
        both.map(|(map, family)| (map.name(family, &self.suffix), map.kind(&ROWS[family as usize]))).collect()
    }

    fn chains(&self) -> [Chain; 4] {
        let at = |name: &str, hook| Chain {
            table: INET,
            name: self.named(name),
            sets: Vec::new(),
            base: Some(BaseChain::at("nat", hook, AFTER_SERVICES)),
            rules: self.entrance(),
        };
        [
            self.translating(),
            at("ports-prerouting", InetHookNumber::PreRouting),
            at("ports-output", InetHookNumber::LocalOut),
            self.leaving(),
        ]
    }

    /// The chain that looks a port up.
    fn translating(&self) -> Chain {
        let rule = |family: Family, map: Map| {
            let name = map.name(family, &self.suffix);
            let (key, port) = self::key(family, map);
            // dnat ip to ip daddr . meta l4proto . th dport map @ports-by-address4
            // dnat ip to meta l4proto . th dport map @ports4
            // dnat ip to ip daddr . meta l4proto . th dport map @port-ranges4
            // and after each look-up, where that found something: meta mark set meta mark or 0x2000
            [
                protocol_is(ROWS[family as usize].protocol).as_slice(),
                &key,
                &[value_of(&name)],
                &set_mark(self.mark),
                &[send_to(PROTOCOLS[family as usize], port)],
            ]
            .concat()
        };
        Chain {
            table: INET,
            name: self.anchor(),
            sets: Vec::new(),
            base: None,
            rules: Family::ALL
                .into_iter()
                .flat_map(|family| Map::OF_PORTS.map(|map| rule(family, map)))
                .collect(),
        }
    }

    /// `fib daddr type local jump ports`, behind each gate.
    fn entrance(&self) -> Vec<Vec<Expression>> {
        let jump = [is_for_the_node().as_slice(), &[jump_to(&self.anchor())]].concat();
        self.gates.iter().map(|gate| [gate.as_slice(), &jump].concat()).collect()
    }

    /// `type nat hook postrouting priority srcnat`, where what came by a port finds its container's hairpin.
    fn leaving(&self) -> Chain {
        // meta mark & 0x2000 == 0x2000 ip daddr vmap @hairpins4
        // meta mark & 0x2000 == 0x2000 ip6 daddr vmap @hairpins6
        let rule = |family: Family| {
            let row = &ROWS[family as usize];
            let map = Map::Hairpins.name(family, &self.suffix);
            [
                mark_has(self.mark).as_slice(),
                &protocol_is(row.protocol),
                &[row.destination.load(Register::Reg1), verdict_of(&map)],
            ]
            .concat()
        };
        Chain {
            table: INET,
            name: self.named("ports-postrouting"),
            sets: Vec::new(),
            base: Some(BaseChain::at("nat", InetHookNumber::PostRouting, 100)),
            rules: Family::ALL.map(rule).to_vec(),
        }
    }
}

/// Loads a map's key, each part into the register after the last, and names the register where the value's port comes.
fn key(family: Family, map: Map) -> (Vec<Expression>, Option<Register>) {
    use Register::{Reg1, Reg2, Reg32_01, Reg32_02, Reg32_05};
    let (after_address, last) = match family {
        Family::V4 => (Reg32_01, Reg32_02),
        Family::V6 => (Reg2, Reg32_05),
    };
    let address = ROWS[family as usize].destination.load(Reg1);
    let protocol = |register| meta_to(MetaKey::L4Proto, register);
    let port = |register| Field::DESTINATION_PORT.load(register);
    match map {
        Map::Ports => (vec![protocol(Reg1), port(Reg32_01)], Some(after_address)),
        Map::ByAddress => (vec![address, protocol(after_address), port(last)], Some(after_address)),
        Map::Ranges | Map::Hairpins => (vec![address, protocol(after_address), port(last)], None),
    }
}

/// The chain that hides sources next to a container, and the node's own 127.0.0.0/8.
fn inside(network: IpNetwork) -> Chain {
    // ip saddr 10.1.0.0/24 masquerade
    // ip saddr 127.0.0.0/8 masquerade
    let row = row(network.ip());
    let from = |network| {
        [
            protocol_is(row.protocol).to_vec(),
            address_compares(row.source, Operator::Equal, network),
            vec![masquerade(SourcePort::Kept)],
        ]
        .concat()
    };
    let rules = [Some(network), loopback::network(Family::of(network.ip()))];
    Chain {
        table: INET,
        name: inside_name(network),
        sets: Vec::new(),
        base: None,
        rules: rules.into_iter().flatten().map(from).collect(),
    }
}

/// Its name: `-` stands where an IPv6 address has `:`, which nft takes in no name.
pub(super) fn inside_name(network: IpNetwork) -> String {
    format!("inside-{}/{}", network.network(), network.prefix()).replace(':', "-")
}

/// `-` and digits of a digest.
fn suffix(class: &PortClass) -> String {
    let mut text = format!("{}", class.mark.number());
    for conditions in &class.conditions {
        text.push('\n');
        for condition in conditions {
            // Writing to a String can't fail.
            let _ = write!(text, "{condition} ");
        }
    }
    let mut hex = format!("-{:x}", Sha256::digest(text.as_bytes()));
    hex.truncate(1 + DIGITS);
    hex
}
