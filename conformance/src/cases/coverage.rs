//! Every numbered check and every supposed defect of the reference is a case, or is listed here with the reason why not.

use std::collections::BTreeSet;

use crate::case::{Case, Group};
use crate::cases::GROUPS;

/// Checks P-nn that bind the runtime, or that no call can show.
const NOT_ASKED: &[(&str, &str)] = &[
    ("P-012", "binds the runtime: in which network it starts a plugin"),
    ("P-015", "binds the runtime and installers: what libcni does about ETXTBSY"),
    ("P-063", "an advice about which plugins may follow which, without a sentence that a call could break"),
    ("P-025", "binds the runtime: what it makes of a plugin without VERSION"),
];

/// What was seen of each supposed defect of the reference.
const DEFECTS: &str = include_str!("../../reference/defects");

/// What the reference fails.
const FAILS: &str = include_str!("../../reference/fails-1.9.1");

fn all() -> impl Iterator<Item = &'static Case> {
    GROUPS.iter().flat_map(Group::all)
}

/// The numbers of this letter that sources name.
fn named(letter: &str) -> BTreeSet<String> {
    let sources =
        all().flat_map(|case| case.source.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')));
    sources.filter(|word| word.starts_with(letter)).map(str::to_owned).collect()
}

#[test]
fn names_are_unique_and_say_their_group() {
    let mut seen = BTreeSet::new();
    for group in GROUPS {
        for case in group.all() {
            assert!(seen.insert(case.id), "{} stands twice", case.id);
            assert!(case.id.starts_with(&format!("{}.", group.name)), "{} is in {}", case.id, group.name);
            assert!(
                !case.broken.is_empty() && !case.source.is_empty() && !case.says.is_empty(),
                "{}",
                case.id
            );
        }
    }
}

#[test]
fn every_numbered_check_is_a_case_or_has_a_reason() {
    let cases = named("P-");
    for number in
        [1..=15, 20..=28, 30..=35, 40..=49, 50..=54, 60..=64, 70..=75, 80..=81].into_iter().flatten()
    {
        let number = format!("P-{number:03}");
        let listed = NOT_ASKED.iter().any(|(listed, _)| *listed == number);
        assert!(cases.contains(&number) || listed, "{number} is no case and has no reason");
    }
}

#[test]
fn every_supposed_defect_is_confirmed_or_refuted_by_cases_or_has_a_reason() {
    let lines = |text: &'static str| text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let failing: BTreeSet<_> =
        lines(FAILS).filter_map(|line| line.trim_start_matches("? ").split(' ').next()).collect();
    let mut seen = Vec::new();
    for line in lines(DEFECTS) {
        let (number, rest) = line.split_once(' ').expect("a number and what was seen");
        let (what, rest) = rest.split_once(' ').expect("what was seen, and of which cases");
        seen.push(number.to_owned());
        assert!(matches!(what, "confirmed" | "refuted" | "unseen"), "{line}");
        for id in rest.split(' ').filter(|_| what != "unseen") {
            let case = all().find(|case| case.id == id);
            let names_it = case.is_some_and(|case| case.source.contains(number));
            assert!(names_it, "{id} is no case of {number}");
            assert_eq!(failing.contains(id), what == "confirmed", "{line}");
        }
    }
    let wanted: Vec<_> = (1..=8).chain(10..=36).map(|number| format!("B-{number:02}")).collect();
    assert_eq!(seen, wanted);
    let others: Vec<_> = named("B-").into_iter().filter(|number| !wanted.contains(number)).collect();
    assert!(others.is_empty(), "{others:?} are no supposed defects");
}

#[test]
fn what_the_reference_fails_are_cases() {
    for line in FAILS.lines().filter(|line| !line.starts_with('#')) {
        let id = line.trim_start_matches("? ").split(' ').next().unwrap_or_default();
        assert!(all().any(|case| case.id == id), "{id} is no case");
    }
}
