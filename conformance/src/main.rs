//! `conformance`: judges any directory of CNI plugins by what a runtime and the kernel see.
//!
//! A [`case::Case`] is a sentence of the specification, of its conventions, or of a runtime that relies on it, and the
//! function that asks a plugin for it on a [`stage::Stage`]: a private node on which nothing of the machine is changed.

mod answers;
mod asked;
mod attachment;
mod broken;
mod call;
mod case;
mod cases;
mod dhcp;
mod directory;
mod life;
mod options;
mod report;
mod run;
mod specimen;
mod stage;
mod standin;
mod traffic;
mod unmet;
mod workers;

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use options::Options;

/// What makes an ordinary user root of a user namespace, in which only new networks are his.
const ENTER: [&str; 6] = ["unshare", "--user", "--map-root-user", "--mount", "--net", "--"];

/// The judge could not do its work: bad options, no plugins, no namespaces.
const COULD_NOT_RUN: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = Options::parse(&words).map_err(|error| error.to_string()).and_then(|options| {
        if !options.page.is_empty() {
            return page(&options.page);
        }
        if !nix::unistd::geteuid().is_root() {
            return Err(as_root_of_a_namespace(&words));
        }
        judge(&options)
    });
    match done {
        Ok(code) => ExitCode::from(code),
        Err(reason) => {
            // Nobody may be reading.
            let _ = writeln!(std::io::stderr(), "conformance: {reason}");
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

fn judge(options: &Options) -> Result<u8, String> {
    let directory = directory::Directory::open(&options.plugins).map_err(|error| error.to_string())?;
    if let Some(file) = &options.record {
        let answers = answers::Answers::of(&directory, &options.only);
        return answers.write(file).map(|()| 0).map_err(|error| error.to_string());
    }
    let verdicts = run::run(&directory, options).map_err(|error| error.to_string())?;
    let answers = match &options.answers {
        Some(file) => {
            let answers = answers::Answers::of(&directory, &options.only);
            Some(answers.beside(file, options.reasons.as_deref()).map_err(|error| error.to_string())?)
        }
        None => None,
    };
    let (name, directory) = (options.name(), &options.plugins);
    let report = report::Report { name: &name, directory, verdicts: &verdicts, answers: answers.as_ref() };
    print(&report.render(options.format))?;
    Ok(report.exit())
}

/// The page of several reports.
fn page(files: &[PathBuf]) -> Result<u8, String> {
    let report = |file: &PathBuf| -> Result<serde_json::Value, String> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
    };
    let reports: Vec<_> = files.iter().map(report).collect::<Result<_, _>>()?;
    print(&report::page(&reports)).map(|()| 0)
}

fn print(text: &str) -> Result<(), String> {
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| format!("standard output: {error}"))
}

/// Becomes this program once more, as root of a user namespace. Returns only where that fails, with the reason.
fn as_root_of_a_namespace(words: &[String]) -> String {
    let Ok(program) = std::env::current_exe() else { return "its own program can't be found".to_owned() };
    let error = Command::new(ENTER[0]).args(&ENTER[1..]).arg(program).args(words).exec();
    format!("{}: {error}; run as root", ENTER.join(" "))
}
