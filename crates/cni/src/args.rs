//! `CNI_ARGS`: `KEY=VALUE;KEY=VALUE`, deprecated by the specification and sent by every runtime.

use crate::{Code, Coded};

/// Why `CNI_ARGS` can't be read. The texts are the reference's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgsError {
    /// A segment that is not one key, one `=`, one value.
    #[error("ARGS: invalid pair {0:?}")]
    Pair(String),
    /// `IgnoreUnknown` is neither yes nor no.
    #[error("ARGS: error parsing value of pair {pair:?}: boolean unmarshal error: invalid input {value}")]
    Boolean {
        /// The segment.
        pair: String,
        /// What it says, in lower case.
        value: String,
    },
    /// Keys that the plugin does not know, without `IgnoreUnknown`.
    #[error("ARGS: unknown args [{}]", quoted(.0))]
    Unknown(Vec<String>),
}

impl Coded for ArgsError {
    fn code(&self) -> Code {
        Code::InvalidEnvironment
    }
}

fn quoted(pairs: &[String]) -> String {
    pairs.iter().map(|pair| format!("{pair:?}")).collect::<Vec<_>>().join(" ")
}

/// The keys that a plugin knows, with their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    pairs: Vec<(String, String)>,
}

/// The key by which a runtime says that it sends more than a plugin needs to know.
const IGNORE_UNKNOWN: &str = "IgnoreUnknown";

impl Arguments {
    /// Reads `CNI_ARGS`. Keys are told apart by case; `IgnoreUnknown` is always known.
    ///
    /// # Errors
    /// [`ArgsError`].
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, ArgsError> {
        let mut arguments = Self::default();
        let mut ignore_unknown = false;
        let mut unknown = Vec::new();
        for pair in text.split(';').filter(|_| !text.is_empty()) {
            let invalid = || ArgsError::Pair(pair.to_owned());
            let (key, value) = pair.split_once('=').ok_or_else(invalid)?;
            if value.contains('=') {
                return Err(invalid());
            }
            if key == IGNORE_UNKNOWN {
                ignore_unknown = boolean(pair, value)?;
            } else if known.contains(&key) {
                arguments.pairs.push((key.to_owned(), value.to_owned()));
            } else {
                unknown.push(pair.to_owned());
            }
        }
        if unknown.is_empty() || ignore_unknown { Ok(arguments) } else { Err(ArgsError::Unknown(unknown)) }
    }

    /// The value of a known key, the last where it is given twice. An empty value is none.
    pub fn get(&self, key: &str) -> Option<&str> {
        let pair = self.pairs.iter().rfind(|(name, _)| name == key);
        pair.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

fn boolean(pair: &str, value: &str) -> Result<bool, ArgsError> {
    match value.to_lowercase().as_str() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        other => Err(ArgsError::Boolean { pair: pair.to_owned(), value: other.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["IgnoreUnknown", "IP", "MAC"];

    // P-062
    #[test]
    fn what_a_runtime_sends_is_read_in_any_order() {
        for text in [
            "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;IP=10.1.0.5;K8S_POD_NAME=web",
            "K8S_POD_NAME=web;IP=10.1.0.5;IgnoreUnknown=true",
            "IP=10.1.0.5;IgnoreUnknown=True;K8S_POD_UID=",
        ] {
            assert_eq!(Arguments::parse(text, KNOWN).unwrap().get("IP"), Some("10.1.0.5"), "{text}");
        }
        assert_eq!(Arguments::parse("", KNOWN), Ok(Arguments::default()));
        assert_eq!(Arguments::parse("MAC=;IP=1;IP=2", KNOWN).unwrap().get("MAC"), None);
        assert_eq!(Arguments::parse("MAC=;IP=1;IP=2", KNOWN).unwrap().get("IP"), Some("2"));
    }

    // P-062
    #[test]
    fn what_can_not_be_read_is_refused_in_the_words_of_the_reference() {
        for (text, error) in [
            ("IP", r#"ARGS: invalid pair "IP""#),
            ("IP=1=2", r#"ARGS: invalid pair "IP=1=2""#),
            ("IP=1;", r#"ARGS: invalid pair """#),
            ("ip=1;K=v", r#"ARGS: unknown args ["ip=1" "K=v"]"#),
            ("K=v;IgnoreUnknown=0", r#"ARGS: unknown args ["K=v"]"#),
            (
                "IgnoreUnknown=Yes",
                r#"ARGS: error parsing value of pair "IgnoreUnknown=Yes": boolean unmarshal error: invalid input yes"#,
            ),
        ] {
            let failure = crate::Failure::from(Arguments::parse(text, KNOWN).unwrap_err());
            assert_eq!((failure.code, failure.msg.as_str()), (Code::InvalidEnvironment, error));
        }
    }
}
