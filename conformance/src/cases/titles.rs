//! `reference/titles`: what the reference plugins' own tests ask is asked here, or a reason is given.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::case::Group;
use crate::cases::GROUPS;

const TITLES: &str = include_str!("../../reference/titles");

/// As many `It` and `Entry` has the reference.
const COUNT: usize = 357;

/// One title: the file that it stands in and its text, the lines below it by their first word.
struct Title {
    name: (&'static str, &'static str),
    lines: Vec<(&'static str, &'static str)>,
}

fn titles() -> Vec<Title> {
    let mut file = "";
    let mut titles: Vec<Title> = Vec::new();
    for line in TITLES.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some(next) = line.strip_prefix("== ") {
            file = next;
        } else if let Some(below) = line.strip_prefix("  ") {
            let below = below.split_once(char::is_whitespace).expect("a word and what it says");
            titles.last_mut().expect("a title above").lines.push((below.0, below.1.trim()));
        } else {
            titles.push(Title { name: (file, line), lines: Vec::new() });
        }
    }
    titles
}

/// Every test function of the workspace: its name and its file.
fn tests() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned();
    let mut folders: Vec<_> = ["crates", "ipam", "plugins"].map(|name| workspace.join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the workspace").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                for after in text.split("#[test]").skip(1) {
                    let name = after.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
                    found.extend(name.map(|(name, _)| (name.to_owned(), path.clone())));
                }
            }
        }
    }
    found
}

/// Is this the test's file? Program and modules of its name are folders and files, or say which kind of test it is.
fn holds(path: &Path, program_and_modules: &str) -> bool {
    let words: BTreeSet<_> = path
        .components()
        .filter_map(|part| part.as_os_str().to_str())
        .map(|part| part.trim_end_matches(".rs"))
        .collect();
    // The files of `links` are `modules`, too, for links of the other kinds.
    let word = |word: &str| match word.split('(').next().unwrap_or(word) {
        "modules" => words.contains("modules") || words.contains("links"),
        "tests" => true,
        word => words.contains(word),
    };
    program_and_modules.split("::").all(word)
}

#[test]
fn every_title_is_there_once_and_is_asked_or_has_its_reason() {
    let titles = titles();
    let names: BTreeSet<_> = titles.iter().map(|title| title.name).collect();
    assert_eq!((titles.len(), names.len()), (COUNT, COUNT));
    for Title { name, lines } in &titles {
        assert!(!lines.is_empty(), "{name:?} is not asked and has no reason");
        for (word, text) in lines {
            assert!(matches!(*word, "case" | "test" | "not") && !text.is_empty(), "{name:?}: {word} {text}");
        }
    }
}

#[test]
fn every_case_that_a_title_names_exists() {
    let cases: BTreeSet<_> = GROUPS.iter().flat_map(Group::all).map(|case| case.id).collect();
    for Title { name, lines } in titles() {
        for case in lines.iter().filter(|(word, _)| *word == "case").flat_map(|(_, ids)| ids.split(' ')) {
            assert!(cases.contains(case), "{name:?} names {case}");
        }
    }
}

#[test]
fn every_test_that_a_title_names_exists() {
    let tests = tests();
    for Title { name, lines } in titles() {
        for test in lines.iter().filter(|(word, _)| *word == "test").flat_map(|(_, names)| names.split(' ')) {
            let (place, function) = test.rsplit_once("::").expect("a program and a name");
            let there = tests.iter().any(|(known, path)| known == function && holds(path, place));
            assert!(there, "{name:?} names {test}");
        }
    }
}
