//! A case as a value.

use crate::specimen::Kind;
use crate::stage::Stage;
use crate::unmet::Outcome;

/// One sentence that a plugin must keep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// Its name, unique among all: words and hyphens, with the group before the dot.
    pub(crate) id: &'static str,
    /// The sentence.
    pub(crate) says: &'static str,
    /// Where the sentence comes from: a section of the CNI specification 1.1.0, a numbered check (P-nn), a defect of the
    /// reference (B-nn), a runtime that relies on it.
    pub(crate) source: &'static str,
    /// Which plugins it binds.
    pub(crate) of: Of,
    /// Asks the plugin.
    pub(crate) check: fn(&Stage<'_>) -> Outcome,
    /// A body of shell that stands for the plugin and breaks this sentence and as few others as can be: `real` calls the plugin
    /// itself, and the other words are those of `broken/words.sh`.
    pub(crate) broken: &'static str,
}

/// Which plugins a case binds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of {
    /// Every one.
    Every,
    /// Those of these shapes.
    Kinds(&'static [Kind]),
    /// Those of these shapes but for these, by name: to them the sentence means nothing.
    Except(&'static [Kind], &'static [&'static str]),
    /// These, by name.
    Plugins(&'static [&'static str]),
}

impl Of {
    /// Does it bind the plugin of this name and shape?
    pub(crate) fn binds(self, name: &str, kind: Kind) -> bool {
        match self {
            Self::Every => true,
            Self::Kinds(kinds) => kinds.contains(&kind),
            Self::Except(kinds, names) => kinds.contains(&kind) && !names.contains(&name),
            Self::Plugins(names) => names.contains(&name),
        }
    }
}

/// Whether cases of a group can follow each other on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// A plugin's cases of this group share a node: they hardly touch it.
    Shared,
    /// Each case has a node of its own.
    Own,
}

/// Cases that belong together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// As the report heads it.
    pub(crate) name: &'static str,
    /// On which ground they stand.
    pub(crate) ground: Ground,
    /// Them, by topic.
    pub(crate) cases: &'static [&'static [Case]],
}

impl Group {
    /// All its cases.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static Case> + use<> {
        self.cases.iter().flat_map(|topic| topic.iter())
    }
}
