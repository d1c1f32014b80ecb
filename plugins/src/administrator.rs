//! `cni`: what an administrator asks of this binary.

mod gc;
mod install;
mod names;
mod plan;
mod restore;
mod uninstall;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use cni::Failure;

/// One subcommand.
struct Subcommand {
    name: &'static str,
    /// What follows the name.
    arguments: &'static [&'static str],
    /// What it does, in a line.
    help: &'static str,
    run: fn(&[&Path]) -> Said,
}

/// What a subcommand has to say.
#[derive(Default)]
struct Said {
    /// For stdout, also where something failed.
    text: String,
    /// For stderr, and the exit status: what could not be done.
    failure: Option<Failure>,
    /// The exit status where nothing failed: 1 where `text` itself is a refusal.
    status: u8,
}

const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand {
        name: "install",
        arguments: &["DIR"],
        help: "put a copy of this binary under each plugin's name into DIR",
        run: install::run,
    },
    Subcommand {
        name: "uninstall",
        arguments: &["DIR"],
        help: "remove our files from DIR and our nftables tables; name the attachments that still use them",
        run: uninstall::run,
    },
    Subcommand {
        name: "plan",
        arguments: &[],
        help: "with an ADD's environment and stdin: print what it would do, change nothing",
        run: plan::run,
    },
    Subcommand {
        name: "gc",
        arguments: &[],
        help: "remove everything of attachments whose container is provably gone",
        run: gc::run,
    },
    Subcommand {
        name: "restore",
        arguments: &[],
        help: "bring back the packet rules of every live attachment",
        run: restore::run,
    },
];

/// Runs the subcommand: 0, 1 where something failed, 2 where it was called wrongly.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let Some((name, rest)) = arguments.split_first() else { return usage() };
    let paths: Vec<&Path> = rest.iter().map(Path::new).collect();
    let Some(subcommand) =
        SUBCOMMANDS.iter().find(|found| found.name == name && found.arguments.len() == paths.len())
    else {
        return usage();
    };
    let Said { text, failure, status } = (subcommand.run)(&paths);
    // Whoever closed stdout or stderr does not want to know.
    let _ = std::io::stdout().write_all(text.as_bytes());
    match failure {
        Some(failure) => {
            let _ = writeln!(std::io::stderr(), "cni {name}: {failure}");
            ExitCode::FAILURE
        }
        None => ExitCode::from(status),
    }
}

/// A line for each thing.
fn lines(word: &str, things: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let mut text = String::new();
    for thing in things {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{word}{thing}");
    }
    text
}

fn usage() -> ExitCode {
    let mut text = "usage:\n".to_owned();
    for Subcommand { name, arguments, help, .. } in SUBCOMMANDS {
        let call = [&[*name], *arguments].concat().join(" ");
        let _ = writeln!(text, "  cni {call:<15} {help}");
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(2)
}
