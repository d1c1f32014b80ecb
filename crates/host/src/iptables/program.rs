//! iptables' programs: `iptables-nft-save`, `ip6tables-legacy-restore`, …

use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use netstate::{Family, IptablesVariant as Variant};

use super::Iptables;
use super::error::Error;

/// What a program is to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tool {
    /// Print the rules.
    Save,
    /// Change them.
    Restore,
}

/// How a family's programs are called where only one variant is installed, and then they bear no variant's name.
fn plain(family: Family) -> &'static str {
    match family {
        Family::V4 => "iptables",
        Family::V6 => "ip6tables",
    }
}

/// The program of the variant.
pub(super) fn name(iptables: Iptables) -> &'static str {
    match (iptables.family, iptables.variant) {
        (Family::V4, Variant::Nft) => "iptables-nft",
        (Family::V4, Variant::Legacy) => "iptables-legacy",
        (Family::V6, Variant::Nft) => "ip6tables-nft",
        (Family::V6, Variant::Legacy) => "ip6tables-legacy",
    }
}

/// Runs the variant's program, and returns what it printed. Where it has none of its own name, the plain one will do
/// if it says that it is of this variant.
///
/// # Errors
/// [`Error::NoProgram`], [`Error::Start`], [`Error::Refused`].
pub(super) fn run(tool: Tool, iptables: Iptables, arguments: &[&str], input: &str) -> Result<String, Error> {
    let suffix = match tool {
        Tool::Save => "-save",
        Tool::Restore => "-restore",
    };
    let own = format!("{}{suffix}", name(iptables));
    match start(&own, arguments, input) {
        Err(Error::NoProgram(_)) => {}
        done => return done,
    }
    let plain = format!("{}{suffix}", plain(iptables.family));
    match start(&plain, &["--version"], "") {
        Ok(version) if is_of(&version, iptables.variant) => start(&plain, arguments, input),
        Ok(_) | Err(Error::NoProgram(_)) => Err(Error::NoProgram(own)),
        Err(error) => Err(error),
    }
}

/// `iptables-save v1.8.9 (nf_tables)`; before 1.8 there was one variant, and nothing said so.
fn is_of(version: &str, variant: Variant) -> bool {
    version.contains("nf_tables") == (variant == Variant::Nft)
}

fn start(program: &str, arguments: &[&str], input: &str) -> Result<String, Error> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => Error::NoProgram(program.to_owned()),
        _ => Error::Start { program: program.to_owned(), source },
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading says why by its status.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        let (status, stderr) = (output.status, text(output.stderr));
        Err(Error::Refused { program: program.to_owned(), status, stderr })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_of_which_variant_it_is() {
        for (version, variant) in [
            ("iptables-save v1.8.9 (nf_tables)", Variant::Nft),
            ("iptables-save v1.8.9 (legacy)", Variant::Legacy),
            ("iptables-save v1.6.1", Variant::Legacy),
        ] {
            let of: Vec<_> = Variant::ALL.into_iter().filter(|variant| is_of(version, *variant)).collect();
            assert_eq!(of, [variant], "{version}");
        }
    }

    #[test]
    fn an_absent_program_is_named() {
        let error = start("iptables-of-nobody", &[], "").unwrap_err();
        assert_eq!(
            error.to_string(),
            "iptables-of-nobody is not installed: rules of iptables can't be read or changed without it"
        );
    }
}
