//! Errors that say which key has which wrong value.

use std::fmt;

use serde::de;
use serde_json::Value;

use crate::{Code, Coded};

/// Longer values are cut in messages, in characters.
const SHOWN: usize = 80;

/// A value is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A wrong value.
    #[error("{key}: invalid value {value}: {reason}")]
    Invalid {
        /// The path of keys to it, as in `ipam.ranges[0].subnet`.
        key: String,
        /// The value, as JSON.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The whole that was to be read is wrong.
    #[error("invalid value {value}: {reason}")]
    Whole {
        /// The value, as JSON.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A key that must be there is not.
    #[error("{key}: missing")]
    Missing {
        /// The path of keys to it.
        key: String,
    },
}

impl Coded for DecodeError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

impl DecodeError {
    /// Puts the error under a key: its path grows from the inside out.
    #[must_use]
    pub fn under(self, parent: &str) -> Self {
        let join = |key: &str| match key.chars().next() {
            Some('[') => format!("{parent}{key}"),
            _ => format!("{parent}.{key}"),
        };
        match self {
            Self::Invalid { key, value, reason } => Self::Invalid { key: join(&key), value, reason },
            Self::Whole { value, reason } => Self::Invalid { key: parent.to_owned(), value, reason },
            Self::Missing { key } => Self::Missing { key: join(&key) },
        }
    }

    /// Names the value, unless a more precise one is known.
    pub(super) fn of(self, whole: &Value) -> Self {
        match self {
            Self::Whole { value, reason } if value.is_empty() => Self::Whole { value: shown(whole), reason },
            other => other,
        }
    }

    /// The visitors of types say only what they would have liked to see.
    pub(super) fn expected(what: &dyn fmt::Display) -> Self {
        <Self as de::Error>::custom(format_args!("expected {what}"))
    }
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::Whole { value: String::new(), reason: reason.to_string() }
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::expected(&expected)
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::expected(&expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing { key: field.to_owned() }
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::expected(&format_args!("one of {}", known.join(", ")))
    }
}

/// A value as JSON, cut to a line's length.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
