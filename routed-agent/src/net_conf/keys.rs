//! The keys of an object, each taken once: what nobody took is unknown, and what is wrong is gathered.

use cni::go;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::{NetConfWarning, Problem};

/// The keys of an object.
pub(super) struct Keys<'v> {
    /// Where the object stands: empty at the top, else with its dot.
    path: &'static str,
    object: &'v Map<String, Value>,
    taken: Vec<&'static str>,
    wrong: Vec<&'static str>,
    problems: Vec<Problem>,
    warnings: Vec<NetConfWarning>,
}

impl<'v> Keys<'v> {
    pub(super) fn new(path: &'static str, object: &'v Map<String, Value>) -> Self {
        let (taken, wrong, problems, warnings) = Default::default();
        Self { path, object, taken, wrong, problems, warnings }
    }

    /// A key's value as it is written; `null` is absent. Of a key written twice the last counts, in any case of its
    /// letters.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'v Value> {
        self.taken.push(key);
        let mut found = self.object.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
        found.next_back().map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// A key's value; a wrong one becomes a problem.
    pub(super) fn take<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let value = self.raw(key)?;
        match go::decode(value) {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong.push(key);
                self.problem(Problem::Value(error.under(&format!("{}{key}", self.path))));
                None
            }
        }
    }

    /// A key's value was of the wrong type, which is told already.
    pub(super) fn is_wrong(&self, key: &str) -> bool {
        self.wrong.contains(&key)
    }

    /// Keys that have no meaning, and why: whoever set them is told.
    pub(super) fn in_vain(&mut self, keys: &[&'static str], reason: &'static str) {
        for key in keys {
            if self.raw(key).is_some() {
                let key = format!("{}{key}", self.path);
                self.warnings.push(NetConfWarning::InVain { key, reason });
            }
        }
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// What was found in an object within.
    pub(super) fn adopt(&mut self, within: Keys<'_>) {
        let (problems, warnings) = within.finish();
        self.problems.extend(problems);
        self.warnings.extend(warnings);
    }

    /// All that is wrong, and all that is in vain, unknown keys among it.
    pub(super) fn finish(mut self) -> (Vec<Problem>, Vec<NetConfWarning>) {
        let known = |name: &str| self.taken.iter().any(|key| key.eq_ignore_ascii_case(name));
        let unknown = self.object.keys().filter(|name| !known(name));
        let unknown = unknown.map(|name| NetConfWarning::Unknown { key: format!("{}{name}", self.path) });
        self.warnings.extend(unknown);
        (self.problems, self.warnings)
    }
}
