//! Routing rules by source address (`rtnetlink(7)`, `ip-rule(8)`).

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use netstate::{Adjustment, Attachment, Family, SourceRule};

use super::{Amiss, Kind, Site};
use crate::address::address_family;
use crate::error::{Context, Error};
use crate::link::Socket;
use crate::namespace::Namespace;
use crate::netlink::{Refusal, Request};

/// The kind.
pub(super) struct SourceRules;

impl Kind for SourceRules {
    fn word(&self) -> &'static str {
        "rule"
    }

    /// `SOURCE TABLE`.
    fn line(&self, adjustment: &Adjustment) -> Option<String> {
        let Adjustment::SourceRule(SourceRule { source, table }) = adjustment else { return None };
        Some(format!("{source} {table}"))
    }

    fn parse(&self, rest: &str, _: &Attachment) -> Option<Adjustment> {
        let (source, table) = rest.split_once(' ')?;
        let rule = SourceRule { source: source.parse().ok()?, table: table.parse().ok()? };
        Some(Adjustment::SourceRule(rule))
    }

    fn apply(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<(), Error> {
        let container = site.container()?;
        // The kernel takes the same rule twice, each time with another priority.
        let there = container.source_rules()?;
        let mut socket = container.route()?;
        for rule in rules(wanted).filter(|rule| !there.contains(rule)) {
            let request = Request::new(Message::NewRule(message(rule)), NLM_F_CREATE | NLM_F_EXCL);
            socket.request(request).context("add", rule)?;
        }
        Ok(())
    }

    fn compare(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<Vec<Amiss>, Error> {
        let there = site.container()?.source_rules()?;
        let missing = rules(wanted).filter(|rule| !there.contains(rule));
        Ok(missing.map(|rule| (Adjustment::SourceRule(*rule), "missing".to_owned())).collect())
    }

    fn remove(&self, site: &mut Site<'_>, _: &Attachment, made: &[Adjustment]) -> Result<(), Error> {
        let Some(container) = site.container else { return Ok(()) };
        let mut socket = container.route()?;
        let mut first = Ok(());
        for rule in rules(made) {
            let deleted = socket.request(Request::new(Message::DelRule(message(rule)), 0));
            first = first.and(gone(deleted.map(drop)).context("remove", rule));
        }
        first
    }
}

impl Namespace {
    /// Every rule that leads packets from one address to a table, and asks for nothing else.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn source_rules(&self) -> Result<Vec<SourceRule>, Error> {
        let mut socket = self.route()?;
        let mut rules = Vec::new();
        for family in Family::ALL {
            rules.extend(of_family(&mut socket, family)?);
        }
        Ok(rules)
    }

    /// Every table that a rule leads to.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn ruled_tables(&self) -> Result<Vec<u32>, Error> {
        let mut socket = self.route()?;
        let mut tables = Vec::new();
        for family in Family::ALL {
            let found = dump(&mut socket, family).context("read", &"the routing rules")?;
            tables.extend(found.iter().map(table));
        }
        Ok(tables)
    }
}

/// [`Namespace::source_rules`] of one family.
pub(crate) fn of_family(socket: &mut Socket, family: Family) -> Result<Vec<SourceRule>, Error> {
    let found = dump(socket, family).context("read", &"the routing rules")?;
    Ok(found.iter().filter_map(|rule| read(rule, family)).collect())
}

fn rules<'a>(adjustments: &'a [Adjustment]) -> impl Iterator<Item = &'a SourceRule> {
    let of_kind = |adjustment: &'a Adjustment| {
        if let Adjustment::SourceRule(rule) = adjustment { Some(rule) } else { None }
    };
    adjustments.iter().filter_map(of_kind)
}

/// The kernel chooses the priority: one less than the least so far, but for that of table local.
fn message(rule: &SourceRule) -> RuleMessage {
    let family = Family::of(rule.source);
    let mut message = RuleMessage::default();
    message.header.family = address_family(family);
    message.header.src_len = family.bits();
    message.header.action = RuleAction::ToTable;
    message.header.table = u8::try_from(rule.table).unwrap_or_default();
    message.attributes = vec![RuleAttribute::Source(rule.source), RuleAttribute::Table(rule.table)];
    message
}

fn dump(socket: &mut Socket, family: Family) -> Result<Vec<RuleMessage>, Refusal> {
    let mut request = RuleMessage::default();
    request.header.family = address_family(family);
    let answers = match socket.dump(&Message::GetRule(request)) {
        // A kernel without policy routing, or without the family, has no rules.
        Err(refusal) if refusal.is(libc::EOPNOTSUPP) || refusal.is(libc::EAFNOSUPPORT) => {
            return Ok(Vec::new());
        }
        answers => answers?,
    };
    let rule = |message| if let Message::NewRule(rule) = message { Some(rule) } else { None };
    Ok(answers.into_iter().filter_map(rule).collect())
}

fn table(rule: &RuleMessage) -> u32 {
    let attribute = rule.attributes.iter().find_map(|attribute| match attribute {
        RuleAttribute::Table(table) => Some(*table),
        _ => None,
    });
    attribute.unwrap_or_else(|| rule.header.table.into())
}

fn read(rule: &RuleMessage, family: Family) -> Option<SourceRule> {
    let source = rule.attributes.iter().find_map(|attribute| match attribute {
        RuleAttribute::Source(source) => Some(*source),
        _ => None,
    })?;
    let whole = rule.header.src_len == family.bits() && rule.header.action == RuleAction::ToTable;
    whole.then(|| SourceRule { source, table: table(rule) })
}

fn gone(answer: Result<(), Refusal>) -> Result<(), Refusal> {
    match answer {
        Err(refusal) if refusal.is(libc::ENOENT) => Ok(()),
        answer => answer,
    }
}
