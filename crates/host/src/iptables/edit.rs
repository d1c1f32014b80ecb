//! What is changed, as `iptables-restore` reads it.

use std::fmt::{self, Write as _};

use super::Table;
use super::saved::SavedRule;

/// A rule to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The chain that it stands in.
    pub chain: String,
    /// Its conditions but for the comment, in `iptables-save`'s order and words: `-s 10.1.0.2/32`.
    pub conditions: String,
    /// Whose or what it is: 255 bytes at most.
    pub comment: Option<String>,
    /// What it does, with its options: `ACCEPT`.
    pub target: String,
}

/// Where in its chain a rule is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before all others.
    First,
    /// After all others.
    Last,
}

/// One line of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Makes a chain, which must not be there: else it would be emptied.
    Create(String),
    /// Makes a rule.
    Add(Rule, Place),
    /// Removes a rule.
    Delete(SavedRule),
    /// Removes all rules of a chain.
    Flush(String),
    /// Removes an empty chain that nothing leads to.
    Remove(String),
}

impl Rule {
    /// A rule without a comment.
    pub fn new(chain: impl Into<String>, conditions: impl Into<String>, target: impl Into<String>) -> Self {
        Self { chain: chain.into(), conditions: conditions.into(), comment: None, target: target.into() }
    }

    /// With this comment.
    #[must_use]
    pub fn commented(self, comment: impl Into<String>) -> Self {
        Self { comment: Some(comment.into()), ..self }
    }
}

/// Behind `-A`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain)?;
        if !self.conditions.is_empty() {
            write!(f, " {}", self.conditions)?;
        }
        if let Some(comment) = &self.comment {
            write!(f, " -m comment --comment {}", quoted(comment))?;
        }
        if self.target.is_empty() { Ok(()) } else { write!(f, " -j {}", self.target) }
    }
}

/// A word as `iptables-restore` reads it, whatever is in it. A line can't hold a line's end.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' | '\r' => quoted.push(' '),
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(chain) => write!(f, ":{chain} - [0:0]"),
            Self::Add(rule, Place::First) => {
                let (chain, rest) = (&rule.chain, rule.to_string());
                write!(f, "-I {chain} 1{}", &rest[chain.len()..])
            }
            Self::Add(rule, Place::Last) => write!(f, "-A {rule}"),
            Self::Delete(rule) => write!(f, "-D {rule}"),
            Self::Flush(chain) => write!(f, "-F {chain}"),
            Self::Remove(chain) => write!(f, "-X {chain}"),
        }
    }
}

/// One change, whole or not at all.
pub(super) fn script(table: Table, edits: &[Edit]) -> String {
    let mut script = format!("*{table}\n");
    for edit in edits {
        // Writing to a String can't fail.
        let _ = writeln!(script, "{edit}");
    }
    script + "COMMIT\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_transaction() {
        let rule = Rule::new("CNI-FORWARD", "-s 10.1.0.2/32", "ACCEPT").commented(r#"a "b" \c"#);
        let edits = [
            Edit::Create("CNI-FORWARD".to_owned()),
            Edit::Add(Rule::new("FORWARD", "", "CNI-FORWARD"), Place::First),
            Edit::Add(rule, Place::Last),
            Edit::Flush("CNI-OLD".to_owned()),
            Edit::Remove("CNI-OLD".to_owned()),
        ];
        let script = r#"*filter
:CNI-FORWARD - [0:0]
-I FORWARD 1 -j CNI-FORWARD
-A CNI-FORWARD -s 10.1.0.2/32 -m comment --comment "a \"b\" \\c" -j ACCEPT
-F CNI-OLD
-X CNI-OLD
COMMIT
"#;
        assert_eq!(super::script(Table::Filter, &edits), script);
    }

    #[test]
    fn a_comment_stays_on_its_line() {
        assert_eq!(quoted("a\n-A INPUT"), "\"a -A INPUT\"");
    }
}
