//! Rules of iptables, of both variants and families, as iptables' own programs show them. Each test has a node of its
//! own.

use std::thread;

use host::iptables::{Edit, Error, Iptables, Place as Position, Rule, Table, Variant, Wanted};
use netstate::Family;
use sandbox::{Node, Place};

const CALLERS: u8 = 4;

/// What a caller with this number wants.
fn wanted(iptables: Iptables, number: u8) -> Wanted {
    let address = match iptables.family {
        Family::V4 => format!("10.1.0.{number}/32"),
        Family::V6 => format!("fd00:1::{number:x}/128"),
    };
    let accept = Rule::new("TRIAL", format!("-s {address}"), "ACCEPT");
    Wanted {
        chains: vec!["TRIAL".to_owned()],
        rules: vec![
            (Rule::new("FORWARD", "", "TRIAL").commented("to a chain of our own"), Position::First),
            (accept.commented(format!("number {number} \"of\" it's")), Position::Last),
        ],
    }
}

fn add(iptables: Iptables, number: u8) {
    let wanted = wanted(iptables, number);
    iptables.change(Table::Filter, |saved| wanted.edits(saved)).unwrap();
}

/// The `filter` table in the words of its own program, less counters and remarks.
fn filter(node: &Node, iptables: Iptables) -> Vec<String> {
    let text = node.exec(&[&format!("{iptables}-save"), "-t", "filter"]).stdout;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(" [").next().unwrap_or(line).to_owned()).collect()
}

#[test]
fn what_is_added_twice_is_there_once() {
    let node = Node::enter();
    for iptables in Iptables::all() {
        add(iptables, 2);
        let once = filter(&node, iptables);
        add(iptables, 2);
        assert_eq!(filter(&node, iptables), once);
        let saved = iptables.save(Table::Filter).unwrap();
        assert!(wanted(iptables, 2).stands(&saved) && !wanted(iptables, 3).stands(&saved), "{once:?}");
    }
}

#[test]
fn callers_at_the_same_time_make_each_chain_once_and_each_rule() {
    let node = Node::enter();
    for iptables in Iptables::all() {
        thread::scope(|scope| {
            for number in 1..=CALLERS {
                scope.spawn(move || add(iptables, number));
            }
        });
        let saved = iptables.save(Table::Filter).unwrap();
        assert!((1..=CALLERS).all(|number| wanted(iptables, number).stands(&saved)));
        assert_eq!(saved.rules().len(), usize::from(CALLERS) + 1, "{:?}", filter(&node, iptables));
    }
}

#[test]
fn a_rule_is_removed_by_its_comment_and_a_chain_with_all_that_leads_to_it() {
    let node = Node::enter();
    for iptables in Iptables::all() {
        node.exec(&[&iptables.to_string(), "-A", "FORWARD", "-i", "lo", "-j", "DROP"]);
        let before = filter(&node, iptables);
        add(iptables, 2);
        add(iptables, 3);
        let of_two = |comment: &str| comment.starts_with("number 2 ");
        iptables.remove(Table::Filter, |saved| saved.without(of_two)).unwrap();
        let saved = iptables.save(Table::Filter).unwrap();
        assert!(!wanted(iptables, 2).stands(&saved) && wanted(iptables, 3).stands(&saved));
        iptables.remove(Table::Filter, |saved| saved.without_chains(&["TRIAL", "ABSENT"])).unwrap();
        assert_eq!(filter(&node, iptables), before);
    }
}

#[test]
fn removing_from_a_table_that_is_not_in_use_does_not_make_it() {
    let node = Node::enter();
    for iptables in Iptables::all() {
        iptables.remove(Table::Nat, |saved| saved.without_chains(&["TRIAL"])).unwrap();
        assert!(!iptables.uses(Table::Nat).unwrap());
    }
    assert_eq!(node.exec(&["nft", "list", "ruleset"]).stdout, "");
}

#[test]
fn a_change_that_can_not_be_made_changes_nothing() {
    let node = Node::enter();
    for iptables in Iptables::all() {
        node.exec(&[&iptables.to_string(), "-N", "OTHER"]);
        let before = filter(&node, iptables);
        let rule = |target| Edit::Add(Rule::new("FORWARD", "", target), Position::Last);
        let refused = iptables.change(Table::Filter, |_| vec![rule("OTHER"), rule("NOWHERE")]);
        assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
        assert_eq!(filter(&node, iptables), before);
    }
}

#[test]
fn rules_belong_where_rules_are_and_else_in_nf_tables() {
    let node = Node::enter();
    let holding = || -> Vec<Variant> {
        let holding = Iptables::holding(Family::V4, Table::Filter).unwrap();
        holding.into_iter().map(|iptables| iptables.variant).collect()
    };
    assert_eq!(holding(), [Variant::Nft]);
    node.exec(&["iptables-legacy", "-P", "FORWARD", "DROP"]);
    assert_eq!(holding(), [Variant::Legacy]);
    node.exec(&["iptables-nft", "-A", "FORWARD", "-j", "DROP"]);
    assert_eq!(holding(), [Variant::Nft, Variant::Legacy]);
    node.exec(&["iptables-legacy", "-P", "FORWARD", "ACCEPT"]);
    assert_eq!(holding(), [Variant::Nft]);
}
