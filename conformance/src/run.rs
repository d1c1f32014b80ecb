//! Asks every case of every plugin, on as many nodes at once as there are processors.

use std::cell::Cell;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use sandbox::Node;

use crate::asked::{Asked, said};
use crate::broken::Broken;
use crate::case::{Case, Ground, Group};
use crate::cases::GROUPS;
use crate::directory::Directory;
use crate::options::{Options, Subject};
use crate::stage::{Stage, Step};
use crate::unmet::{Outcome, Unmet};
use crate::workers;

/// What came of one case for one plugin.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The group's name.
    pub(crate) group: &'static str,
    pub(crate) case: &'static Case,
    /// The plugin's name.
    pub(crate) plugin: String,
    pub(crate) outcome: Outcome,
    /// What was done, to be repeated by hand.
    pub(crate) steps: Vec<Step>,
    pub(crate) took: Duration,
}

/// Nothing could be judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// A plugin that `--only` names is not there.
    #[error("the directory holds no {0}")]
    NoSuchPlugin(String),
    /// No case is left after `--case` and `--only`.
    #[error("no case is asked for")]
    NoCase,
    /// `--without` names a group that does not exist.
    #[error("there is no group {0}")]
    UnknownGroup(String),
}

/// Cases that share a node.
struct Unit {
    group: &'static Group,
    plugins: Vec<String>,
    cases: Vec<&'static Case>,
}

/// Asks all that the options ask for.
pub(crate) fn run(directory: &Directory, options: &Options) -> Result<Vec<Verdict>, RunError> {
    if let Some(absent) = options.only.iter().find(|name| !directory.names.contains(name)) {
        return Err(RunError::NoSuchPlugin(absent.clone()));
    }
    let is_group = |name: &&String| GROUPS.iter().any(|group| group.name == **name);
    if let Some(unknown) = options.without.iter().find(|name| !is_group(name)) {
        return Err(RunError::UnknownGroup(unknown.clone()));
    }
    let units = match options.subject {
        Subject::Plugins => units(directory, options),
        Subject::Judge => for_broken(directory, options),
    };
    let total: usize = units.iter().map(|unit| unit.cases.len()).sum();
    if total == 0 {
        return Err(RunError::NoCase);
    }
    // A step that can't be done panics; it is a finding, told in the report.
    std::panic::set_hook(Box::new(|_| {}));
    let done = Mutex::new(Vec::with_capacity(total));
    workers::each(
        &units,
        |unit| ask(directory, options, unit),
        |unit, verdicts| {
            let Ok(mut done) = done.lock() else { return };
            match verdicts {
                Ok(verdicts) => done.extend(verdicts),
                Err(panic) => done.extend(unit.cases.iter().map(|case| {
                    let outcome = Err(Unmet::Fails(format!("no node for it: {}", said(&*panic))));
                    verdict(unit, (case, &unit.plugins[0]), outcome)
                })),
            }
            progress(&done, total);
        },
    );
    let mut verdicts = done.into_inner().unwrap_or_default();
    let place = |verdict: &Verdict| {
        let group = GROUPS.iter().position(|group| group.name == verdict.group);
        let case = GROUPS.iter().flat_map(Group::all).position(|case| case.id == verdict.case.id);
        (group, case, verdict.plugin.clone())
    };
    verdicts.sort_by_cached_key(place);
    // The line of progress ends.
    let _ = writeln!(std::io::stderr());
    Ok(verdicts)
}

fn wanted(options: &Options, case: &Case) -> bool {
    let holds = |text: &String| case.id.contains(text.as_str()) || case.source.contains(text.as_str());
    options.case.is_empty() || options.case.iter().any(holds)
}

fn judged<'a>(directory: &'a Directory, options: &'a Options) -> impl Iterator<Item = &'a String> {
    directory.names.iter().filter(|name| {
        let named = options.only.contains(name);
        // Programs that are no plugins lie beside them.
        named || options.only.is_empty() && crate::specimen::of(name).kind != crate::specimen::Kind::Unknown
    })
}

fn groups(options: &Options) -> impl Iterator<Item = &'static Group> {
    GROUPS.iter().filter(|group| options.without.iter().all(|name| name != group.name))
}

/// A unit for each plugin and group, or for each plugin and case.
fn units(directory: &Directory, options: &Options) -> Vec<Unit> {
    let mut units = Vec::new();
    for group in groups(options) {
        for plugin in judged(directory, options) {
            let kind = crate::specimen::of(plugin).kind;
            let cases = group.all().filter(|case| case.of.binds(plugin, kind) && wanted(options, case));
            let plugins = vec![plugin.clone()];
            match group.ground {
                Ground::Shared => units.push(Unit { group, plugins, cases: cases.collect() }),
                Ground::Own => {
                    units.extend(cases.map(|case| Unit {
                        group,
                        plugins: plugins.clone(),
                        cases: vec![case],
                    }));
                }
            }
        }
    }
    units
}

/// A unit for each case, with every plugin on which it may be tried.
fn for_broken(directory: &Directory, options: &Options) -> Vec<Unit> {
    let mut units = Vec::new();
    for group in groups(options) {
        for case in group.all().filter(|case| wanted(options, case)) {
            let binds = |name: &&String| case.of.binds(name, crate::specimen::of(name).kind);
            let plugins: Vec<_> = judged(directory, options).filter(binds).cloned().collect();
            if !plugins.is_empty() {
                units.push(Unit { group, plugins, cases: vec![case] });
            }
        }
    }
    units
}

fn ask(directory: &Directory, options: &Options, unit: &Unit) -> Vec<Verdict> {
    let node = Node::enter();
    let count = Cell::new(0);
    let ask = |case: &'static Case, plugins: &Path, name: &str| {
        let stage = Stage::new(&node, (plugins, name), &count, options.extent);
        let start = Instant::now();
        let asked = Asked::of(case, &stage);
        let outcome = match options.subject {
            Subject::Plugins => asked.on_the_plugin(),
            Subject::Judge => asked.on_the_case(case, &stage),
        };
        let mut verdict = verdict(unit, (case, name), outcome);
        verdict.took = start.elapsed();
        verdict.steps = stage.steps();
        verdict
    };
    if options.subject == Subject::Plugins {
        return unit.cases.iter().map(|case| ask(case, &directory.path, &unit.plugins[0])).collect();
    }
    let case = unit.cases[0];
    let mut last = Vec::new();
    for name in &unit.plugins {
        let place = node.directory();
        let broken =
            Broken::new(place.path(), directory, name, case.broken).expect("a directory of the node's");
        let verdict = ask(case, broken.path(), name);
        let skipped = matches!(verdict.outcome, Err(Unmet::Skips(_)));
        last = vec![verdict];
        if !skipped {
            break;
        }
    }
    last
}

fn verdict(unit: &Unit, of: (&'static Case, &str), outcome: Outcome) -> Verdict {
    let (case, plugin) = of;
    let plugin = plugin.to_owned();
    Verdict { group: unit.group.name, case, plugin, outcome, steps: Vec::new(), took: Duration::ZERO }
}

fn progress(done: &[Verdict], total: usize) {
    let count = |wanted: fn(&Outcome) -> bool| done.iter().filter(|verdict| wanted(&verdict.outcome)).count();
    let fails = count(|outcome| matches!(outcome, Err(Unmet::Fails(_))));
    let skips = count(|outcome| matches!(outcome, Err(Unmet::Skips(_))));
    // Nobody may be watching.
    let _ = write!(std::io::stderr(), "\r{} of {total} asked, {fails} fail, {skips} skipped ", done.len());
}
