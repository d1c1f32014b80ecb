//! Arguments in the syntax of Go's package `flag`: `-name`, `--name`, `-name=value`, `-name value`; `--` ends them.

use super::error::CommandError;
use super::flags::{Flag, Shape};

/// A flag that was given, and its value: `true` for a switch without one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given<'a> {
    pub(super) flag: &'a str,
    pub(super) value: &'a str,
}

/// Those that every command takes and that have no value.
const ASKING: &[&str] = &["help", "h", "version"];

/// All flags that were given, in their order, and all that is wrong.
pub(super) fn read(arguments: &[String]) -> (Vec<Given<'_>>, Vec<CommandError>) {
    let (mut given, mut errors) = (Vec::new(), Vec::new());
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        if argument == "--" {
            errors.extend(rest.by_ref().map(|stray| CommandError::Stray(stray.to_owned())));
            break;
        }
        let Some(flag) = argument.strip_prefix('-').filter(|flag| !flag.is_empty()) else {
            errors.push(CommandError::Stray(argument.to_owned()));
            continue;
        };
        let flag = flag.strip_prefix('-').unwrap_or(flag);
        let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
        if name.is_empty() || name.starts_with('-') {
            errors.push(CommandError::Syntax(argument.to_owned()));
            continue;
        }
        let shape = Flag::named(name).map(|flag| flag.shape);
        match (shape, value) {
            (None, _) if ASKING.contains(&name) => given.push(Given { flag: name, value: "true" }),
            (None, _) => errors.push(CommandError::UnknownFlag(argument.to_owned())),
            (Some(_), Some(value)) => given.push(Given { flag: name, value }),
            (Some(Shape::Switch), None) => given.push(Given { flag: name, value: "true" }),
            (Some(Shape::Value | Shape::List), None) => match rest.next() {
                Some(value) => given.push(Given { flag: name, value }),
                None => errors.push(CommandError::NoValue(name.to_owned())),
            },
        }
    }
    (given, errors)
}
