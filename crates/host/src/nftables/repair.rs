//! What is not as it must be, and the changes that make it so.

use std::fmt;

use super::message::Change;

/// A packet rule, or what it rests on, that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleDrift {
    /// What it is: `chain inet trestle-routed forward`, `rule -s 10.1.0.0/16 -j ACCEPT of ip filter FORWARD`.
    pub object: String,
    /// What is wrong with it.
    pub found: Found,
}

/// What is wrong with a packet rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is not there.
    Missing,
    /// It is there, but does something else.
    Different,
    /// It is there, but should not be.
    Surplus,
    /// A set that does not hold what it should.
    Elements {
        /// How many it lacks.
        missing: usize,
        /// How many it should not have.
        surplus: usize,
    },
}

impl fmt::Display for RuleDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.found)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Different => f.write_str("different"),
            Self::Surplus => f.write_str("not wanted"),
            Self::Elements { missing, surplus } => write!(f, "{missing} missing, {surplus} not wanted"),
        }
    }
}

/// What is wrong, and what makes it right, in the order in which it must be done.
#[derive(Default)]
pub(super) struct Repair {
    /// What is wrong.
    pub(super) drift: Vec<RuleDrift>,
    /// What makes it right.
    pub(super) changes: Vec<Change>,
}

impl Repair {
    /// Notes what is wrong with an object.
    pub(super) fn note(&mut self, object: impl fmt::Display, found: Found) {
        self.drift.push(RuleDrift { object: object.to_string(), found });
    }

    /// Both, one after the other.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.drift.extend(other.drift);
        self.changes.extend(other.changes);
        self
    }
}
