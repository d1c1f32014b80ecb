//! The reference's answers to a list of questions, recorded with its version, and what another directory answers beside them.
//!
//! A difference is no fault in itself: it wants a reason, in a file of reasons that the report shows. One without a reason is a
//! failure, and so is a reason that explains nothing any more.

mod compare;
mod keys;
mod neutral;
mod question;
mod record;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;

use crate::directory::Directory;
use crate::workers;

pub(crate) use compare::{Comparison, Difference, Reason};
pub(crate) use record::RecordError;

/// What each plugin answered, by question.
pub(crate) type Said = BTreeMap<String, BTreeMap<String, Value>>;

/// The answers of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answers {
    /// The release that its plugins say that they are, `CNI bridge plugin v1.9.1`; the directory's name where they say none.
    pub(crate) version: String,
    /// The kernel that they ran on.
    pub(crate) kernel: String,
    pub(crate) said: Said,
}

impl Answers {
    /// Asks every known plugin of the directory every question, on as many nodes at once as there are processors.
    pub(crate) fn of(directory: &Directory, only: &[String]) -> Self {
        let known = |name: &&String| crate::specimen::of(name).kind != crate::specimen::Kind::Unknown;
        let wanted = |name: &&String| only.is_empty() || only.contains(name);
        let names: Vec<_> = directory.names.iter().filter(known).filter(wanted).collect();
        let said = Mutex::new(Said::new());
        workers::each(
            &names,
            |name| question::all(directory, name),
            |name, answers| {
                let Ok(mut said) = said.lock() else { return };
                // A step that can't be done is an answer that is missing, which the comparison tells.
                said.insert((*name).clone(), answers.unwrap_or_default());
            },
        );
        let kernel = nix::sys::utsname::uname()
            .map(|name| name.release().to_string_lossy().into_owned())
            .unwrap_or_default();
        let told = names.first().map(|name| question::version(directory, name)).unwrap_or_default();
        let version = match told.as_str() {
            "" | "unknown" => {
                directory.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
            }
            _ => told,
        };
        Self { version, kernel, said: said.into_inner().unwrap_or_default() }
    }

    /// Compares with what is recorded in one file, by the reasons in another.
    ///
    /// # Errors
    ///
    /// A file that can't be read.
    pub(crate) fn beside(&self, recorded: &Path, reasons: Option<&Path>) -> Result<Comparison, RecordError> {
        let recorded = Self::read(recorded)?;
        let reasons = reasons.map_or_else(|| Ok(Vec::new()), record::reasons)?;
        Ok(Comparison::of(&recorded, self, &reasons))
    }
}
