//! What a packet must be like beside its destination port: `conditionsV4` and `conditionsV6` of `portmap`, in the
//! words of nft(8):
//!
//! ```text
//! conditions = condition { condition }            all of them must hold
//! condition  = field [ "!=" | "==" ] values
//! field      = "ip saddr" | "ip daddr"            IPv4 only
//!            | "ip6 saddr" | "ip6 daddr"          IPv6 only
//!            | "iifname"                          where the packet came in; from the node itself by none
//!            | [ "meta" ] "mark" [ "and" mask ]   "&" is another word for "and"
//! values     = value | "{" value { "," value } "}"
//! value      = address | network | "name" | "name*" | number     10, 0x0a
//! ```

mod words;

use std::fmt;
use std::str::FromStr;

use ipnetwork::IpNetwork;

use crate::Family;

use words::Words;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What is looked at, and what it is compared with.
    pub test: Test,
    /// What the answer must be.
    pub answer: Answer,
}

/// What is looked at, and the values of which one must be found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// The source address.
    Source(Vec<IpNetwork>),
    /// The destination address, as the packet has it before it is sent to the container.
    Destination(Vec<IpNetwork>),
    /// The link by which the packet came in.
    InLink(Vec<LinkPattern>),
    /// The packet's mark, as far as the mask tells.
    Mark {
        /// The bits that count.
        mask: u32,
        /// What they may be.
        values: Vec<u32>,
    },
}

/// Must one of the values be found, or none of them?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// One of them.
    Is,
    /// None.
    IsNot,
}

/// A link's name, or how it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkPattern {
    /// The name, or its beginning: 1 to 15 bytes.
    pub name: String,
    /// How much of it is compared.
    pub part: Part,
}

/// How much of a link's name is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Its beginning: `eth*`.
    Beginning,
}

/// Text that is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// Something else stands where a condition begins.
    #[error("{0:?} begins no condition: ip saddr, ip daddr, ip6 saddr, ip6 daddr, iifname or mark")]
    Field(String),
    /// The text ends within a condition.
    #[error("{0:?} ends too early")]
    End(String),
    /// A value that the field can't have.
    #[error("{value:?} is no {wanted}")]
    Value {
        /// What stands there.
        value: String,
        /// What could.
        wanted: &'static str,
    },
    /// A condition about the other family.
    #[error("{field:?} is not about {family}")]
    Family {
        /// The field.
        field: String,
        /// The family whose conditions these are.
        family: Family,
    },
    /// So many values in sets that a packet would be compared for too long.
    #[error("the sets have {0} combinations, more than {MOST}")]
    Combinations(usize),
}

/// Each combination of values is a rule of its own.
const MOST: usize = 64;

impl Condition {
    /// Reads the conditions of a family.
    ///
    /// # Errors
    /// [`ConditionError`].
    pub fn parse_all(text: &str, family: Family) -> Result<Vec<Self>, ConditionError> {
        let mut words = Words::of(text);
        let mut conditions = Vec::new();
        while let Some(word) = words.next() {
            conditions.push(Self::parse(&word, &mut words, family)?);
        }
        let combinations = conditions.iter().map(Self::alternatives).product();
        if combinations > MOST { Err(ConditionError::Combinations(combinations)) } else { Ok(conditions) }
    }

    /// How many values may make it hold, each by itself.
    pub fn alternatives(&self) -> usize {
        match (self.answer, &self.test) {
            (Answer::IsNot, _) => 1,
            (Answer::Is, Test::Source(values) | Test::Destination(values)) => values.len(),
            (Answer::Is, Test::InLink(values)) => values.len(),
            (Answer::Is, Test::Mark { values, .. }) => values.len(),
        }
    }

    fn parse(word: &str, words: &mut Words, family: Family) -> Result<Self, ConditionError> {
        match word {
            "ip" | "ip6" => Self::parse_address(word, words, family),
            "iifname" => {
                let (answer, values) = words.compared("link name")?;
                Ok(Self { test: Test::InLink(values), answer })
            }
            "meta" => match words.need()?.as_str() {
                word @ ("iifname" | "mark") => Self::parse(word, words, family),
                other => Err(ConditionError::Field(format!("meta {other}"))),
            },
            "mark" => {
                let masked = words.skip("and") || words.skip("&");
                let mask = if masked { words.value::<Number>("number")?.0 } else { u32::MAX };
                let (answer, values) = words.compared::<Number>("number")?;
                let values = values.into_iter().map(|number| number.0).collect();
                Ok(Self { test: Test::Mark { mask, values }, answer })
            }
            other => Err(ConditionError::Field(other.to_owned())),
        }
    }

    fn parse_address(word: &str, words: &mut Words, family: Family) -> Result<Self, ConditionError> {
        let side = words.need()?;
        let field = format!("{word} {side}");
        let (test, wanted): (fn(Vec<IpNetwork>) -> Test, _) = match side.as_str() {
            "saddr" => (Test::Source, "address or network"),
            "daddr" => (Test::Destination, "address or network"),
            _ => return Err(ConditionError::Field(field)),
        };
        if word != word_of(family) {
            return Err(ConditionError::Family { field, family });
        }
        let (answer, values) = words.compared::<IpNetwork>(wanted)?;
        match values.iter().find(|network| Family::of(network.ip()) != family) {
            Some(other) => Err(ConditionError::Value { value: other.to_string(), wanted }),
            None => Ok(Self { test: test(values), answer }),
        }
    }
}

/// What nft calls a family.
fn word_of(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}

/// A number in decimal or, after `0x`, in hexadecimal digits.
#[derive(Debug, Clone, Copy)]
struct Number(u32);

impl FromStr for Number {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).map(Self),
            None => text.parse().map(Self),
        }
    }
}

impl FromStr for LinkPattern {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (name, part) = match text.strip_suffix('*') {
            Some(name) => (name, Part::Beginning),
            None => (text, Part::Whole),
        };
        let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '"' | '*' | '{' | '}' | ',');
        let valid = (1..=15).contains(&name.len()) && name.chars().all(fits);
        if valid { Ok(Self { name: name.to_owned(), part }) } else { Err(()) }
    }
}

impl fmt::Display for LinkPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, part } = self;
        write!(f, "\"{name}{}\"", if *part == Part::Beginning { "*" } else { "" })
    }
}

/// As it can be read again.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = if self.answer == Answer::IsNot { "!= " } else { "" };
        match &self.test {
            Test::Source(values) => write!(f, "{} saddr {answer}{}", word(values), set(values)),
            Test::Destination(values) => write!(f, "{} daddr {answer}{}", word(values), set(values)),
            Test::InLink(values) => write!(f, "iifname {answer}{}", set(values)),
            Test::Mark { mask: u32::MAX, values } => write!(f, "mark {answer}{}", set(values)),
            Test::Mark { mask, values } => write!(f, "mark and {mask} {answer}{}", set(values)),
        }
    }
}

fn word(networks: &[IpNetwork]) -> &'static str {
    networks.first().map_or("ip", |network| word_of(Family::of(network.ip())))
}

fn set(values: &[impl fmt::Display]) -> String {
    let all: Vec<String> = values.iter().map(ToString::to_string).collect();
    match all.as_slice() {
        [one] => one.clone(),
        all => format!("{{ {} }}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests;
