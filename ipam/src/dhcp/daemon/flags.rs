//! The daemon's flags: the reference's, as Go reads them.

use std::path::PathBuf;
use std::time::Duration;

use super::super::config::SOCKET;
use super::super::errand::Manner;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flags {
    /// Gets the process ID.
    pub(super) pidfile: Option<PathBuf>,
    /// Stands before every path of the host's.
    pub(super) host_prefix: PathBuf,
    socket_path: String,
    pub(super) manner: Manner,
}

/// Flags that can't be followed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum FlagsError {
    #[error("flag provided but not defined: {0}\n{USAGE}")]
    Unknown(String),
    #[error("flag needs an argument: {0}\n{USAGE}")]
    NoValue(String),
    #[error("invalid value {value:?} for flag {flag}: {reason}\n{USAGE}")]
    Value { flag: String, value: String, reason: &'static str },
    #[error("{USAGE}")]
    Help,
}

const KNOWN: [&str; 7] =
    ["broadcast", "hostprefix", "pidfile", "resendmax", "resendtimeout", "socketpath", "timeout"];

const USAGE: &str = "\
Usage of dhcp daemon:
  -broadcast                  have servers broadcast their answers
  -hostprefix PATH            what stands before paths of the host's: its sockets, namespaces and state
  -pidfile PATH               gets the process ID
  -resendmax DURATION         between two requests at most (default 62s)
  -resendtimeout DURATION     for all requests of an ADD together (default 208s)
  -socketpath PATH            where to listen (default /run/cni/dhcp.sock)
  -timeout DURATION           for an answer (default 10s)";

impl Flags {
    /// Reads `-flag value` and `-flag=value`, with one dash or two.
    ///
    /// # Errors
    /// [`FlagsError`].
    pub(super) fn parse(arguments: &[String]) -> Result<Self, FlagsError> {
        let mut flags = Self {
            pidfile: None,
            host_prefix: PathBuf::new(),
            socket_path: SOCKET.to_owned(),
            manner: Manner::default(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let name = argument.strip_prefix('-').ok_or_else(|| FlagsError::Unknown(argument.clone()))?;
            let name = name.strip_prefix('-').unwrap_or(name);
            let (name, inline) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (name, None),
            };
            let flag = format!("-{name}");
            let value = match (name, inline) {
                ("h" | "help", _) => return Err(FlagsError::Help),
                (unknown, _) if !KNOWN.contains(&unknown) => return Err(FlagsError::Unknown(flag)),
                (_, Some(value)) => value,
                ("broadcast", None) => "true".to_owned(),
                (_, None) => arguments.next().cloned().ok_or_else(|| FlagsError::NoValue(flag.clone()))?,
            };
            flags.set(name, &flag, value)?;
        }
        Ok(flags)
    }

    fn set(&mut self, name: &str, flag: &str, value: String) -> Result<(), FlagsError> {
        let patience = &mut self.manner.patience;
        let wrong = |reason| FlagsError::Value { flag: flag.to_owned(), value: value.clone(), reason };
        let time = || duration(&value).ok_or_else(|| wrong("no duration"));
        match name {
            "pidfile" => self.pidfile = (!value.is_empty()).then(|| value.into()),
            "hostprefix" => self.host_prefix = value.into(),
            "socketpath" if value.is_empty() => {}
            "socketpath" => self.socket_path = value,
            "timeout" => patience.timeout = time()?,
            "resendmax" => patience.resend_max = time()?,
            "resendtimeout" => patience.resend_timeout = time()?,
            "broadcast" => {
                self.manner.broadcast = match value.as_str() {
                    "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
                    "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
                    _ => return Err(wrong("neither true nor false")),
                }
            }
            _ => return Err(FlagsError::Unknown(flag.to_owned())),
        }
        Ok(())
    }

    /// Where to listen.
    pub(super) fn socket(&self) -> PathBuf {
        let mut path = self.host_prefix.clone().into_os_string();
        path.push(&self.socket_path);
        path.into()
    }
}

/// The units of Go's durations, longer names first, in nanoseconds.
const UNITS: [(&str, f64); 7] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];

/// A duration as Go writes it: `1m30s`, `500ms`, `0`.
fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut nanoseconds) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let (unit, factor) = UNITS.iter().find(|(unit, _)| rest[digits..].starts_with(unit))?;
        nanoseconds += number * factor;
        rest = &rest[digits + unit.len()..];
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(nanoseconds / 1e9).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Flags, FlagsError> {
        Flags::parse(&arguments.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn flags_are_read_as_go_reads_them() {
        let flags = parse(&[
            "-pidfile",
            "/run/x.pid",
            "--hostprefix=/host",
            "-broadcast",
            "-timeout",
            "1m30s",
            "-resendmax=500ms",
            "-resendtimeout",
            "1.5s",
        ])
        .unwrap();
        assert_eq!(flags.pidfile, Some("/run/x.pid".into()));
        assert_eq!(flags.socket(), PathBuf::from("/host/run/cni/dhcp.sock"));
        assert!(flags.manner.broadcast);
        let patience = flags.manner.patience;
        let times = [patience.timeout, patience.resend_max, patience.resend_timeout];
        assert_eq!(times.map(|time| time.as_millis()), [90_000, 500, 1500]);
        assert_eq!(parse(&["-socketpath", "/a/b"]).unwrap().socket(), PathBuf::from("/a/b"));
        assert_eq!(parse(&["-broadcast=false"]).unwrap().manner, Manner::default());
    }

    #[test]
    fn wrong_flags_are_told_with_all_that_there_are() {
        for (arguments, words) in [
            (&["-nonsense"][..], "not defined: -nonsense"),
            (&["daemon"], "not defined: daemon"),
            (&["-timeout"], "needs an argument: -timeout"),
            (&["-timeout", "10"], "invalid value \"10\" for flag -timeout"),
            (&["-broadcast=perhaps"], "invalid value \"perhaps\" for flag -broadcast"),
        ] {
            let error = parse(arguments).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("-resendtimeout"), "{error}");
        }
    }
}
