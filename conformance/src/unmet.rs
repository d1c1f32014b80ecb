//! Why a case did not pass.

/// What a case found instead of what its sentence says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unmet {
    /// The plugin did something else: what was expected, and what was seen.
    Fails(String),
    /// It could not be asked here, and why.
    Skips(String),
}

/// What asking for one case comes to.
pub(crate) type Outcome = Result<(), Unmet>;

/// Leaves a case with [`Unmet::Fails`] unless the condition holds.
macro_rules! require {
    ($condition:expr, $($said:tt)+) => {
        if !$condition {
            return Err($crate::unmet::Unmet::Fails(format!($($said)+)));
        }
    };
}

/// Leaves a case with [`Unmet::Fails`].
macro_rules! fail {
    ($($said:tt)+) => {
        return Err($crate::unmet::Unmet::Fails(format!($($said)+)))
    };
}

/// Leaves a case with [`Unmet::Skips`].
macro_rules! skip {
    ($($said:tt)+) => {
        return Err($crate::unmet::Unmet::Skips(format!($($said)+)))
    };
}

pub(crate) use {fail, require, skip};
