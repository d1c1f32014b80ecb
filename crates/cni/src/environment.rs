//! The parameters in the environment (section 2, "Parameters").

use std::ffi::OsString;
use std::path::PathBuf;

use crate::{Code, Coded, Command, CommandError};

/// Why the environment is no request. The texts are the reference's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// Variables that the operation needs, all of them at once.
    #[error("required env variables [{}] missing", .0.join(","))]
    Missing(Vec<&'static str>),
    /// `CNI_COMMAND` names no operation.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A variable is not UTF-8.
    #[error("{0} is not UTF-8")]
    Encoding(&'static str),
    /// `CNI_CONTAINERID` is not a letter or digit followed by letters, digits, `_`, `.` and `-`.
    #[error("invalid characters in containerID")]
    ContainerId(String),
    /// `CNI_IFNAME` has over 15 bytes: the kernel counts a closing zero.
    #[error("interface name is too long")]
    IfnameTooLong,
    /// `CNI_IFNAME` is a directory's own name, which sysfs could not hold.
    #[error("interface name is . or ..")]
    IfnameDots,
    /// `CNI_IFNAME` has a character that the kernel refuses.
    #[error("interface name contains / or : or whitespace characters")]
    IfnameCharacter,
}

impl Coded for EnvironmentError {
    fn code(&self) -> Code {
        Code::InvalidEnvironment
    }

    fn details(&self) -> String {
        match self {
            Self::ContainerId(container) => container.clone(),
            Self::IfnameTooLong => "interface name should be less than 16 characters".to_owned(),
            Self::Missing(_)
            | Self::Command(_)
            | Self::Encoding(_)
            | Self::IfnameDots
            | Self::IfnameCharacter => String::new(),
        }
    }
}

/// A variable, who can't do without it, and what it must look like then.
struct Variable {
    name: &'static str,
    needed_by: &'static [Command],
    check: fn(&str) -> Result<(), EnvironmentError>,
}

/// In the order in which the reference looks at them.
const VARIABLES: &[Variable] = &[
    Variable {
        name: "CNI_CONTAINERID",
        needed_by: &[Command::Add, Command::Check, Command::Del],
        check: check_container,
    },
    Variable { name: "CNI_NETNS", needed_by: &[Command::Add, Command::Check], check: |_| Ok(()) },
    Variable {
        name: "CNI_IFNAME",
        needed_by: &[Command::Add, Command::Check, Command::Del],
        check: check_ifname,
    },
    Variable {
        name: "CNI_PATH",
        needed_by: &[Command::Add, Command::Check, Command::Del, Command::Gc, Command::Status],
        check: |_| Ok(()),
    },
];

/// May the container's namespace be the plugin's own? Only tests say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnNamespace {
    Refused,
    Allowed,
}

/// The variables, checked.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) command: Command,
    pub(crate) container: String,
    pub(crate) netns: Option<PathBuf>,
    pub(crate) ifname: String,
    pub(crate) args: String,
    pub(crate) path: Vec<PathBuf>,
    pub(crate) own_namespace: OwnNamespace,
}

/// Looks a variable up.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Environment {
    pub(crate) fn read(lookup: Lookup<'_>) -> Result<Self, EnvironmentError> {
        let command = text(lookup, "CNI_COMMAND")?.parse()?;
        check(lookup, command)?;
        let path = lookup("CNI_PATH").unwrap_or_default();
        // A search through the working directory is never meant.
        let path = std::env::split_paths(&path).filter(|path| !path.as_os_str().is_empty()).collect();
        let own_namespace = match text(lookup, "CNI_NETNS_OVERRIDE")?.to_uppercase().as_str() {
            "1" | "TRUE" => OwnNamespace::Allowed,
            _ => OwnNamespace::Refused,
        };
        let nothing: Lookup<'_> = &|_| None;
        let of_container = match command {
            Command::Add | Command::Del | Command::Check => lookup,
            Command::Gc | Command::Status | Command::Version => nothing,
        };
        Ok(Self {
            command,
            container: text(of_container, "CNI_CONTAINERID")?,
            netns: of_container("CNI_NETNS").filter(|netns| !netns.is_empty()).map(PathBuf::from),
            ifname: text(of_container, "CNI_IFNAME")?,
            args: text(of_container, "CNI_ARGS")?,
            path,
            own_namespace,
        })
    }
}

/// A wrong value is reported before missing ones, and those together.
fn check(lookup: Lookup<'_>, command: Command) -> Result<(), EnvironmentError> {
    let mut missing = Vec::new();
    for Variable { name, check, .. } in VARIABLES.iter().filter(|v| v.needed_by.contains(&command)) {
        let value = lookup(name).unwrap_or_default();
        if value.is_empty() {
            missing.push(*name);
        } else {
            check(&value.to_string_lossy())?;
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(EnvironmentError::Missing(missing)) }
}

fn text(lookup: Lookup<'_>, name: &'static str) -> Result<String, EnvironmentError> {
    lookup(name).unwrap_or_default().into_string().map_err(|_| EnvironmentError::Encoding(name))
}

/// A letter or digit, then letters, digits, `_`, `.` and `-`: container IDs and network names.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn check_container(container: &str) -> Result<(), EnvironmentError> {
    if is_identifier(container) { Ok(()) } else { Err(EnvironmentError::ContainerId(container.to_owned())) }
}

fn check_ifname(ifname: &str) -> Result<(), EnvironmentError> {
    match ifname {
        _ if ifname.len() > 15 => Err(EnvironmentError::IfnameTooLong),
        "." | ".." => Err(EnvironmentError::IfnameDots),
        _ if ifname.contains(|c: char| c == '/' || c == ':' || c.is_whitespace()) => {
            Err(EnvironmentError::IfnameCharacter)
        }
        _ => Ok(()),
    }
}
