//! xtables-legacy: the rules of the old `ip_tables`, which only its own programs can change. They are started where
//! the kernel says that a `nat` table is in use, and nowhere else.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::process::{Command, Stdio};

use netstate::Family;

use crate::nftables::error::Error;

/// A family's list of tables in use, and the beginnings of its programs' names, the surer first.
struct Row {
    tables: &'static str,
    programs: [&'static str; 2],
}

/// One row a family, in the order of [`Family::ALL`]. The thread's own network namespace counts, not the process's.
const ROWS: [Row; 2] = [
    Row { tables: "/proc/thread-self/net/ip_tables_names", programs: ["iptables-legacy", "iptables"] },
    Row { tables: "/proc/thread-self/net/ip6_tables_names", programs: ["ip6tables-legacy", "ip6tables"] },
];

/// The rules of one family's `nat` table.
struct Saved {
    /// Whose rules they are, to restore by.
    program: &'static str,
    /// What `iptables-save` printed.
    rules: String,
}

/// Does `POSTROUTING` send packets of this source to the chain?
///
/// # Errors
/// [`Error::Legacy`], [`Error::LegacyRefused`].
pub(super) fn has_masquerade(chain: &str, source: IpAddr) -> Result<bool, Error> {
    let family = Family::of(source);
    let saved = save(&ROWS[family as usize])?;
    let from = format!("-A POSTROUTING -s {source}/{} ", family.bits());
    let to = format!(" -j {chain}");
    Ok(saved
        .is_some_and(|saved| saved.rules.lines().any(|line| line.starts_with(&from) && line.ends_with(&to))))
}

/// Removes the chain and all jumps to it, in both families.
///
/// # Errors
/// [`Error::Legacy`], [`Error::LegacyRefused`].
pub(super) fn remove(chain: &str) -> Result<(), Error> {
    for row in &ROWS {
        let Some(saved) = save(row)? else { continue };
        if let Some(script) = removal(&saved.rules, chain) {
            let program = format!("{}-restore", saved.program);
            run(&program, &["--noflush", "--wait"], &script).map_err(|error| error.into_error(program))?;
        }
    }
    Ok(())
}

/// What `iptables-restore` is told, if there is anything to remove.
fn removal(saved: &str, chain: &str) -> Option<String> {
    let declared = format!(":{chain} ");
    saved.lines().find(|line| line.starts_with(&declared))?;
    let jump = format!(" -j {chain}");
    let mut script = "*nat\n".to_owned();
    for rule in saved.lines().filter(|line| line.ends_with(&jump)).filter_map(|line| line.strip_prefix("-A "))
    {
        let _ = writeln!(script, "-D {rule}");
    }
    let _ = writeln!(script, "-F {chain}\n-X {chain}\nCOMMIT");
    Some(script)
}

/// The `nat` table, where it is in use. Where no program can read it, the reference had none to write it.
fn save(row: &Row) -> Result<Option<Saved>, Error> {
    let tables = match fs::read_to_string(row.tables) {
        Ok(tables) => tables,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Legacy { program: row.tables.to_owned(), source }),
    };
    if !tables.lines().any(|table| table == "nat") {
        return Ok(None);
    }
    for program in row.programs {
        let save = format!("{program}-save");
        match run(&save, &["-t", "nat"], "") {
            Ok(rules) => return Ok(Some(Saved { program, rules })),
            Err(Failure::Start(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(failure) => return Err(failure.into_error(save)),
        }
    }
    Ok(None)
}

/// Why a program did not do its work.
enum Failure {
    Start(io::Error),
    Refused { status: std::process::ExitStatus, stderr: String },
}

impl Failure {
    fn into_error(self, program: String) -> Error {
        match self {
            Self::Start(source) => Error::Legacy { program, source },
            Self::Refused { status, stderr } => Error::LegacyRefused { program, status, stderr },
        }
    }
}

fn run(program: &str, arguments: &[&str], input: &str) -> Result<String, Failure> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Failure::Start)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading says why by its status.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(Failure::Start)?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(Failure::Refused { status: output.status, stderr: text(output.stderr) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAVED: &str = "*nat
:PREROUTING ACCEPT [0:0]
:CNI-aa - [0:0]
:CNI-aab - [0:0]
-A POSTROUTING -s 10.9.0.2/32 -m comment --comment \"name: \\\"net\\\"\" -j CNI-aa
-A POSTROUTING -s 10.9.0.3/32 -j CNI-aab
-A CNI-aa -d 10.9.0.0/24 -j ACCEPT
COMMIT
";

    #[test]
    fn only_the_chain_and_the_jumps_to_it_are_removed() {
        let script = "*nat
-D POSTROUTING -s 10.9.0.2/32 -m comment --comment \"name: \\\"net\\\"\" -j CNI-aa
-F CNI-aa
-X CNI-aa
COMMIT
";
        assert_eq!(removal(SAVED, "CNI-aa").as_deref(), Some(script));
        assert_eq!(removal(SAVED, "CNI-a"), None);
    }
}
