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

/// Defects B-nn that are no plugin's, or that this kernel can't show.
const NO_CASE: &[(&str, &str)] = &[
    ("B-10", "ipvlan's ADD: asked where the kernel has ipvlan, by protocol.delegate-add-fails"),
    ("B-30", "libcni's, not a plugin's"),
    ("B-31", "libcni's, not a plugin's"),
];

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
fn every_supposed_defect_is_a_case_or_has_a_reason() {
    let cases = named("B-");
    for number in (1..=8).chain(10..=36) {
        let number = format!("B-{number:02}");
        let listed = NO_CASE.iter().any(|(listed, _)| *listed == number);
        assert!(cases.contains(&number) || listed, "{number} is no case and has no reason");
    }
}
