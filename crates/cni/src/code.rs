//! Error codes (section "Error").

use std::fmt;

/// The number by which an error is known. 0 to 99 are the specification's, 100 and above a plugin's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// 1: the configuration's version is not supported.
    IncompatibleVersion,
    /// 2: a key of the configuration is not supported; the message names key and value.
    UnsupportedField,
    /// 3: no such container; the runtime need not clean up.
    UnknownContainer,
    /// 4: an environment variable is missing or wrong; the message names it.
    InvalidEnvironment,
    /// 5: reading or writing failed.
    Io,
    /// 6: a text could not be decoded.
    Decode,
    /// 7: the network configuration is wrong.
    InvalidConfig,
    /// 8: the network namespace is not one to work in. Not the specification's, but the reference's.
    InvalidNamespace,
    /// 11: something passes; the runtime should try again.
    TryAgain,
    /// 50: STATUS: an ADD would fail.
    NotAvailable,
    /// 51: STATUS: an ADD would fail, and existing containers may have limited connectivity.
    LimitedConnectivity,
    /// 999: what the reference gives for every error without a code of its own.
    Internal,
    /// Any other, from a delegate.
    Other(u32),
}

/// Every code that has a name, beside its number.
const NUMBERS: &[(Code, u32)] = &[
    (Code::IncompatibleVersion, 1),
    (Code::UnsupportedField, 2),
    (Code::UnknownContainer, 3),
    (Code::InvalidEnvironment, 4),
    (Code::Io, 5),
    (Code::Decode, 6),
    (Code::InvalidConfig, 7),
    (Code::InvalidNamespace, 8),
    (Code::TryAgain, 11),
    (Code::NotAvailable, 50),
    (Code::LimitedConnectivity, 51),
    (Code::Internal, 999),
];

impl Code {
    /// The number in the error object.
    pub fn number(self) -> u32 {
        match self {
            Self::Other(number) => number,
            named => NUMBERS.iter().find(|(code, _)| *code == named).map_or(999, |(_, number)| *number),
        }
    }
}

impl From<u32> for Code {
    fn from(number: u32) -> Self {
        NUMBERS.iter().find(|(_, other)| *other == number).map_or(Self::Other(number), |(code, _)| *code)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P-080
    #[test]
    fn a_code_and_its_number_name_each_other() {
        for (code, number) in NUMBERS {
            assert_eq!((code.number(), Code::from(*number)), (*number, *code));
        }
        assert_eq!((Code::Other(117).number(), Code::from(117)), (117, Code::Other(117)));
    }
}
