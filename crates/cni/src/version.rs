//! Versions of the specification (section "Version").

use std::fmt;
use std::str::FromStr;

/// A released version of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// What a configuration without `cniVersion` is.
    V0_1_0,
    /// The same, with `VERSION`.
    V0_2_0,
    /// Results with interfaces and lists of addresses.
    V0_3_0,
    /// A correction of 0.3.0.
    V0_3_1,
    /// With `CHECK`, and `prevResult` on `DEL`.
    V0_4_0,
    /// Addresses without a `version`.
    V1_0_0,
    /// With `GC` and `STATUS`.
    V1_1_0,
}

/// A text that is no version number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// It has more than three parts.
    #[error("invalid version {0:?}: too many parts")]
    Parts(String),
    /// A part is not a number.
    #[error("invalid version {text:?}: {part:?} is not a number")]
    Number {
        /// The whole text.
        text: String,
        /// The part.
        part: String,
    },
    /// A number, but of no version that we know.
    #[error("unknown CNI version {0:?}")]
    Unknown(String),
}

impl Version {
    /// Every version, from the oldest on.
    pub const ALL: &'static [Self] =
        &[Self::V0_1_0, Self::V0_2_0, Self::V0_3_0, Self::V0_3_1, Self::V0_4_0, Self::V1_0_0, Self::V1_1_0];

    /// The newest.
    pub const LATEST: Self = Self::V1_1_0;

    /// The text in `cniVersion`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V0_1_0 => "0.1.0",
            Self::V0_2_0 => "0.2.0",
            Self::V0_3_0 => "0.3.0",
            Self::V0_3_1 => "0.3.1",
            Self::V0_4_0 => "0.4.0",
            Self::V1_0_0 => "1.0.0",
            Self::V1_1_0 => "1.1.0",
        }
    }

    /// Its number, to be compared with that of a version which we may not know.
    pub(crate) const fn number(self) -> Number {
        match self {
            Self::V0_1_0 => [0, 1, 0],
            Self::V0_2_0 => [0, 2, 0],
            Self::V0_3_0 => [0, 3, 0],
            Self::V0_3_1 => [0, 3, 1],
            Self::V0_4_0 => [0, 4, 0],
            Self::V1_0_0 => [1, 0, 0],
            Self::V1_1_0 => [1, 1, 0],
        }
    }
}

/// Major, minor, patch.
pub(crate) type Number = [u32; 3];

/// Reads any version number; parts that are left out are 0.
pub(crate) fn number(text: &str) -> Result<Number, VersionError> {
    let mut number = [0; 3];
    let mut places = number.iter_mut();
    for part in text.split('.') {
        let place = places.next().ok_or_else(|| VersionError::Parts(text.to_owned()))?;
        *place = part
            .parse()
            .map_err(|_| VersionError::Number { text: text.to_owned(), part: part.to_owned() })?;
    }
    Ok(number)
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Version {
    type Err = VersionError;

    /// Only the exact text is the version: `1.0` is not `1.0.0`. Empty is 0.1.0.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        if text.is_empty() {
            return Ok(Self::V0_1_0);
        }
        number(text)?;
        Self::ALL
            .iter()
            .copied()
            .find(|version| version.as_str() == text)
            .ok_or_else(|| VersionError::Unknown(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P-020
    #[test]
    fn a_missing_version_is_0_1_0() {
        assert_eq!("".parse(), Ok(Version::V0_1_0));
    }

    // P-026
    #[test]
    fn every_version_is_known_by_its_text_and_they_are_in_order() {
        for version in Version::ALL {
            assert_eq!(version.to_string().parse(), Ok(*version));
            assert_eq!(number(version.as_str()), Ok(version.number()));
        }
        assert!(Version::ALL.is_sorted() && Version::ALL.is_sorted_by_key(|version| version.number()));
        assert_eq!(Version::ALL.last(), Some(&Version::LATEST));
    }

    // P-022
    #[test]
    fn a_text_that_is_no_version_is_told_from_an_unknown_version() {
        for (text, error) in [
            ("9.9.9", r#"unknown CNI version "9.9.9""#),
            ("1.0", r#"unknown CNI version "1.0""#),
            ("1.0.0.0", r#"invalid version "1.0.0.0": too many parts"#),
            ("adsf", r#"invalid version "adsf": "adsf" is not a number"#),
            ("1..0", r#"invalid version "1..0": "" is not a number"#),
        ] {
            assert_eq!(text.parse::<Version>().unwrap_err().to_string(), error);
        }
    }
}
