//! `nf_tables` messages (`linux/netfilter/nf_tables.h`): what is asked for, what is changed, and what comes back.

use std::fmt;

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE};
use netlink_packet_netfilter::nftables::{
    ChainAttribute, ChainMessage, GenMessage, Hook, HookNumber, InetHookNumber, NfTablesMessage,
    RuleAttribute, RuleMessage, TableAttribute, TableMessage,
};
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};

use super::expression::Expression;

/// `NFTNL_UDATA_*_COMMENT`: the same number for tables, rules and elements.
pub(super) const COMMENT: u8 = 0;

/// `NF_ACCEPT`: no base chain of ours drops what its rules don't name.
pub(super) const NF_ACCEPT: u32 = 1;

/// A table, ours or another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    /// Its family.
    pub(super) family: NetfilterProtoFamily,
    /// Its name.
    pub(super) name: &'static str,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", family_name(self.family), self.name)
    }
}

/// What `nft` calls a family of tables.
pub(super) fn family_name(family: NetfilterProtoFamily) -> &'static str {
    match family {
        NetfilterProtoFamily::Inet => "inet",
        NetfilterProtoFamily::IPv6 => "ip6",
        NetfilterProtoFamily::Bridge => "bridge",
        _ => "ip",
    }
}

/// One message of a batch.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// What it does, for errors.
    pub(super) what: String,
    /// The message.
    pub(super) message: NetfilterMessage,
    /// `NLM_F_*`.
    pub(super) flags: u16,
}

/// Where packets come into a base chain.
pub(super) struct BaseChain {
    /// `filter` or `nat`.
    pub(super) kind: &'static str,
    /// Hook and priority.
    pub(super) hook: Vec<Hook>,
}

/// A rule to be added.
pub(super) struct CommentedRule<'a> {
    /// What it does.
    pub(super) expressions: Vec<Expression>,
    /// Its comment.
    pub(super) comment: &'a str,
}

impl BaseChain {
    /// A chain of this type, hook and priority.
    pub(super) fn at(kind: &'static str, hook: InetHookNumber, priority: i32) -> Self {
        let hook = vec![Hook::Number(HookNumber::Inet(hook)), Hook::Priority(priority.cast_unsigned())];
        Self { kind, hook }
    }
}

/// `nft list ruleset`'s generation.
pub(super) fn get_generation() -> NetfilterMessage {
    message(NetfilterProtoFamily::Unspec, NfTablesMessage::GetGen(GenMessage { attributes: Vec::new() }))
}

/// Asks, as a dump, for the chains of all tables.
pub(super) fn get_chains() -> NetfilterMessage {
    let message = NfTablesMessage::GetChain(ChainMessage { attributes: Vec::new() });
    self::message(NetfilterProtoFamily::Unspec, message)
}

/// Asks, as a dump, for the rules of a chain in anybody's table.
pub(super) fn get_rules_of(family: NetfilterProtoFamily, table: &str, chain: &str) -> NetfilterMessage {
    let attributes = vec![RuleAttribute::Table(table.to_owned()), RuleAttribute::Chain(chain.to_owned())];
    message(family, NfTablesMessage::GetRule(RuleMessage { attributes }))
}

impl Table {
    /// Asks for the table.
    pub(super) fn get(self) -> NetfilterMessage {
        self.message(NfTablesMessage::GetTable(self.naming()))
    }

    /// Asks for a chain.
    pub(super) fn get_chain(self, chain: &str) -> NetfilterMessage {
        self.message(NfTablesMessage::GetChain(self.chain(chain)))
    }

    /// Asks, as a dump, for the rules of all chains or of one.
    pub(super) fn get_rules(self, chain: Option<&str>) -> NetfilterMessage {
        self.message(NfTablesMessage::GetRule(self.rule(chain, Vec::new())))
    }

    /// `add table`
    pub(super) fn create(self, comment: &str) -> Change {
        let mut table = self.naming();
        table.attributes.push(TableAttribute::UserData(user_data(comment)));
        self.change(format!("add table {self}"), NfTablesMessage::NewTable(table), NLM_F_CREATE)
    }

    /// `delete table`
    pub(super) fn delete(self) -> Change {
        self.change(format!("delete table {self}"), NfTablesMessage::DeleteTable(self.naming()), 0)
    }

    /// `add chain`
    pub(super) fn create_chain(self, chain: &str, base: Option<&BaseChain>) -> Change {
        let mut message = self.chain(chain);
        if let Some(base) = base {
            message.attributes.extend([
                ChainAttribute::Type(base.kind.to_owned()),
                ChainAttribute::Hook(base.hook.clone()),
                ChainAttribute::Policy(NF_ACCEPT),
            ]);
        }
        self.change(format!("add chain {self} {chain}"), NfTablesMessage::NewChain(message), NLM_F_CREATE)
    }

    /// `delete chain`
    pub(super) fn delete_chain(self, chain: &str) -> Change {
        self.change(
            format!("delete chain {self} {chain}"),
            NfTablesMessage::DeleteChain(self.chain(chain)),
            0,
        )
    }

    /// `flush chain`
    pub(super) fn flush_chain(self, chain: &str) -> Change {
        let message = NfTablesMessage::DeleteRule(self.rule(Some(chain), Vec::new()));
        self.change(format!("flush chain {self} {chain}"), message, 0)
    }

    /// `add rule`
    pub(super) fn append_rule(self, chain: &str, rule: &[Expression]) -> Change {
        let rule = self.rule(Some(chain), vec![RuleAttribute::Expressions(rule.to_vec())]);
        let what = format!("add rule {self} {chain}");
        self.change(what, NfTablesMessage::NewRule(rule), NLM_F_CREATE | NLM_F_APPEND)
    }

    /// `insert rule … position`, before another rule, or `add rule`
    pub(super) fn place_rule(self, chain: &str, rule: &CommentedRule<'_>, before: Option<u64>) -> Change {
        let mut more = vec![
            RuleAttribute::Expressions(rule.expressions.clone()),
            RuleAttribute::UserData(user_data(rule.comment)),
        ];
        more.extend(before.map(RuleAttribute::Position));
        let message = NfTablesMessage::NewRule(self.rule(Some(chain), more));
        let place = if before.is_some() { 0 } else { NLM_F_APPEND };
        self.change(format!("add rule {self} {chain}"), message, NLM_F_CREATE | place)
    }

    /// `delete rule … handle`
    pub(super) fn delete_rule(self, chain: &str, handle: u64) -> Change {
        let rule = self.rule(Some(chain), vec![RuleAttribute::Handle(handle)]);
        let what = format!("delete rule {self} {chain} handle {handle}");
        self.change(what, NfTablesMessage::DeleteRule(rule), 0)
    }

    fn naming(self) -> TableMessage {
        TableMessage { attributes: vec![TableAttribute::Name(self.name.to_owned())] }
    }

    fn chain(self, chain: &str) -> ChainMessage {
        let attributes =
            vec![ChainAttribute::Table(self.name.to_owned()), ChainAttribute::Name(chain.to_owned())];
        ChainMessage { attributes }
    }

    fn rule(self, chain: Option<&str>, more: Vec<RuleAttribute>) -> RuleMessage {
        let mut attributes = vec![RuleAttribute::Table(self.name.to_owned())];
        attributes.extend(chain.map(|chain| RuleAttribute::Chain(chain.to_owned())));
        attributes.extend(more);
        RuleMessage { attributes }
    }

    /// A message of the table's family.
    pub(super) fn message(self, inner: NfTablesMessage) -> NetfilterMessage {
        message(self.family, inner)
    }

    /// A change in the table.
    pub(super) fn change(self, what: String, inner: NfTablesMessage, flags: u16) -> Change {
        Change { what, message: self.message(inner), flags }
    }
}

fn message(family: NetfilterProtoFamily, inner: NfTablesMessage) -> NetfilterMessage {
    NetfilterMessage::new(NetfilterHeader::new(family, 0, 0), inner)
}

/// libnftnl's user data: a kind, a length, and the comment with a closing zero. Comments have 128 bytes at most.
pub(super) fn user_data(comment: &str) -> Vec<u8> {
    let length = u8::try_from(comment.len() + 1).unwrap_or(u8::MAX);
    [&[COMMENT, length], comment.as_bytes(), &[0]].concat()
}
