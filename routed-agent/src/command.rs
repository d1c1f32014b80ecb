//! The command line: `routed-agent run|status|diff|cleanup|version|help`, with flannel's flags where flannel has them.
//!
//! ```text
//! arguments   Go's syntax → what was given for which flag, in `arguments`
//! flags       the table: name, environment, default, meaning, in `flags`
//! settings    the table applied in its own order: command line, else environment, else default
//! ```
//! Every flag is read in the same way and every mistake is told at once.

mod arguments;
mod error;
mod flags;
mod settings;

use arguments::Given;
pub(crate) use error::{CommandError, ValueError, Warning};
use flags::{FLAGS, Flag, Meaning, Shape};
pub(crate) use settings::{LogFormat, NodesFrom, Portmap, Settings};

/// The environment, as far as flags are looked for in it: a variable's value by its name.
pub(crate) type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Print [`usage`].
    Help,
    /// Print the version.
    Version,
    /// Do something that needs settings.
    Task(Box<Task>),
}

/// Something that needs settings.
#[derive(Debug, PartialEq)]
pub(crate) struct Task {
    /// What.
    pub(crate) verb: Verb,
    /// With what.
    pub(crate) settings: Settings,
    /// What was given in vain.
    pub(crate) warnings: Vec<Warning>,
}

/// The commands that need settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Keep the node's network, for ever.
    Run,
    /// Say how it stands.
    Status(Form, Depth),
    /// Say in what the kernel differs from what is wanted.
    Diff,
    /// Take away all that is ours.
    Cleanup(Heir),
}

/// For whom an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Text,
    /// For programs: one object.
    Json,
}

/// How far a look goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What the agent knows.
    Known,
    /// Also what a probe of the other nodes finds.
    Probed,
}

/// The flag by which [`Depth::Probed`] is chosen: it has a meaning for `status` only.
const PROBE: &str = "probe";

/// The flag by which [`Form::Json`] is chosen: it has a meaning for `status` only.
const JSON: &str = "json";

/// Who keeps the node's network after a clean-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heir {
    /// Nobody: nothing stays.
    Nobody,
    /// flanneld: what it can take over stays, in the shape that it can change.
    Flannel,
}

/// The flag by which [`Heir::Flannel`] is chosen: it has a meaning for `cleanup` only.
const TO_FLANNEL: &str = "to-flannel";

/// Reads the arguments after the program's name.
///
/// # Errors
/// Every mistake in them and in the environment.
pub(crate) fn parse(
    arguments: &[String],
    environment: Environment<'_>,
) -> Result<Command, Vec<CommandError>> {
    let (first, rest) = arguments.split_first().ok_or_else(|| vec![CommandError::NoCommand])?;
    let verb = match first.as_str() {
        "run" => Verb::Run,
        "status" => Verb::Status(Form::Text, Depth::Known),
        "diff" => Verb::Diff,
        "cleanup" => Verb::Cleanup(Heir::Nobody),
        "version" | "-version" | "--version" => return Ok(Command::Version),
        "help" | "-help" | "--help" | "-h" => return Ok(Command::Help),
        _ => return Err(vec![CommandError::UnknownCommand(first.clone())]),
    };
    let (given, mut errors) = arguments::read(rest);
    if given.iter().any(|given| matches!(given.flag, "help" | "h")) {
        return Ok(Command::Help);
    }
    if given.iter().any(|given| given.flag == "version") {
        return Ok(Command::Version);
    }
    let mut task = Task { verb, settings: Settings::default(), warnings: Vec::new() };
    for flag in FLAGS {
        for said in said(flag, &given, environment) {
            if let Err(reason) = apply(flag, &said.value, &mut task) {
                errors.push(CommandError::Value { whose: said.whose, value: said.value, reason });
            }
        }
    }
    if errors.is_empty() { Ok(Command::Task(Box::new(task))) } else { Err(errors) }
}

/// A value for a flag, and where it was found.
struct Said {
    whose: String,
    value: String,
}

/// What counts for a flag: all that the command line gives where it may be repeated, else the last; where it gives
/// none, the environment; else the default. An empty value is none, but for a switch on the command line.
fn said(flag: &Flag, given: &[Given<'_>], environment: Environment<'_>) -> Vec<Said> {
    let line = given
        .iter()
        .filter(|given| given.flag == flag.name && !(given.value.is_empty() && flag.shape != Shape::Switch))
        .map(|given| Said { whose: format!("--{}", flag.name), value: given.value.to_owned() });
    let mut found: Vec<Said> = line.collect();
    if flag.shape != Shape::List {
        found.drain(..found.len().saturating_sub(1));
    }
    if found.is_empty() {
        let variable = |whose: String| Some(Said { value: environment(&whose)?, whose });
        let set = flag.variables().filter_map(variable).find(|said| !said.value.is_empty());
        found.extend(set.or_else(|| {
            let whose = format!("the default of --{}", flag.name);
            (!flag.default.is_empty()).then(|| Said { whose, value: flag.default.to_owned() })
        }));
    }
    found
}

/// Gives a flag's value to the settings.
fn apply(flag: &'static Flag, value: &str, task: &mut Task) -> Result<(), ValueError> {
    match flag.meaning {
        Meaning::Sets(set) => set(&mut task.settings, value)?,
        Meaning::Idle(reason) => task.warnings.push(Warning::Idle { flag: flag.name, reason }),
        Meaning::NodesFromKubernetes => {
            if !settings::switch(value)? {
                task.warnings.push(Warning::Etcd);
            }
        }
        Meaning::Heir => match (&mut task.verb, settings::switch(value)?) {
            (Verb::Cleanup(heir), true) => *heir = Heir::Flannel,
            (_, false) => {}
            (Verb::Run | Verb::Status(..) | Verb::Diff, true) => return Err(ValueError::CleanupOnly),
        },
        Meaning::Form => match (&mut task.verb, settings::switch(value)?) {
            (Verb::Status(form, _), true) => *form = Form::Json,
            (_, false) => {}
            (Verb::Run | Verb::Diff | Verb::Cleanup(_), true) => return Err(ValueError::StatusOnly),
        },
        Meaning::Depth => match (&mut task.verb, settings::switch(value)?) {
            (Verb::Status(_, depth), true) => *depth = Depth::Probed,
            (_, false) => {}
            (Verb::Run | Verb::Diff | Verb::Cleanup(_), true) => return Err(ValueError::StatusOnly),
        },
    }
    Ok(())
}

/// The text of `help`.
pub(crate) fn usage() -> String {
    let mut text = String::from(
        "routed-agent keeps the kernel such that the pods of this node reach those of every other node.\n\n\
         usage: routed-agent COMMAND [FLAG]...\n\n\
         commands:\n  \
           run                     keep the node's network, for ever\n  \
           status [--json]         say how it stands\n  \
           status --probe          also send packets to every other node and back\n  \
           diff                    say in what the kernel differs from what is wanted; exit 1 where it does\n  \
           cleanup [--to-flannel]  take away all that is ours, or hand it over to flanneld\n  \
           version, help\n\n\
         flags, each also from the environment; one dash or two, =VALUE or VALUE:\n",
    );
    for flag in FLAGS {
        text.push_str(&flag.usage());
    }
    text
}

#[cfg(test)]
mod tests;
