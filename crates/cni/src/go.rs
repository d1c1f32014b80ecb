//! JSON as Go reads it, because every runtime and every configuration in the field was written for Go's decoder:
//! keys of a struct match in any case, unknown keys are ignored, `null` is the same as absent, of a key given twice
//! the last counts, integers refuse fractions and texts, booleans refuse texts.
//!
//! [`decode`] reads any `Deserialize` type by these rules. A type must not use serde's `flatten`, `untagged` or
//! `tag`: they read keys before the struct's fields are known.

mod decoder;
mod error;
mod text;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use error::DecodeError;
pub use text::{address, network, networks, optional_address, optional_network, unset_when_empty};

/// Reads a value by Go's rules.
///
/// # Errors
/// [`DecodeError`], which names the key and its value.
pub fn decode<T: DeserializeOwned>(value: &Value) -> Result<T, DecodeError> {
    T::deserialize(decoder::Decoder(value)).map_err(|error| error.of(value))
}

/// The value of a key at the top of an object, by the same rules. `Some(Value::Null)` is told from absent.
pub fn member<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    let object = value.as_object()?;
    object.iter().rfind(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
}
