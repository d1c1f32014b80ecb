//! What `iptables-save` prints of one table.

use std::fmt;

use super::edit::{Edit, Rule};

/// A table's chains and rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    chains: Vec<SavedChain>,
    rules: Vec<SavedRule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct SavedChain {
    name: String,
    /// `-` where it is no base chain.
    policy: String,
}

/// A rule that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedRule {
    /// The chain that it stands in.
    pub chain: String,
    /// As it was printed, behind the chain's name.
    text: String,
    words: Vec<String>,
}

impl Saved {
    /// Reads the text; none where iptables says that it can't show its table.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut saved = Self::default();
        for line in text.lines() {
            if line.starts_with('#') && line.contains("is incompatible") {
                return None;
            }
            if let Some(chain) = line.strip_prefix(':') {
                let mut parts = chain.split(' ').map(str::to_owned);
                let (name, policy) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                saved.chains.push(SavedChain { name, policy });
            } else if let Some(rule) = line.strip_prefix("-A ") {
                let (chain, text) = rule.split_once(' ').unwrap_or((rule, ""));
                let (chain, text) = (chain.to_owned(), text.to_owned());
                saved.rules.push(SavedRule { words: words(&text), chain, text });
            }
        }
        Some(saved)
    }

    /// All rules, chain by chain.
    pub fn rules(&self) -> &[SavedRule] {
        &self.rules
    }

    /// Is there a chain of that name?
    pub fn has_chain(&self, name: &str) -> bool {
        self.chains.iter().any(|chain| chain.name == name)
    }

    /// Is this rule there?
    pub fn has(&self, rule: &Rule) -> bool {
        self.rules.iter().any(|found| found.is(rule))
    }

    /// Does it decide on no packet: no rule, no chain of anybody's, and each base chain accepts?
    pub fn is_bare(&self) -> bool {
        self.rules.is_empty() && self.chains.iter().all(|chain| chain.policy == "ACCEPT")
    }

    /// Removes the rules whose comment this picks.
    pub fn without(&self, mut commented: impl FnMut(&str) -> bool) -> Vec<Edit> {
        let ours = self.rules.iter().filter(|rule| rule.comment().is_some_and(&mut commented));
        ours.cloned().map(Edit::Delete).collect()
    }

    /// Removes those of the chains that are there, with what they hold and every rule that leads to them.
    pub fn without_chains(&self, chains: &[&str]) -> Vec<Edit> {
        let there: Vec<&str> = chains.iter().copied().filter(|chain| self.has_chain(chain)).collect();
        let among = |name: &str| there.contains(&name);
        let leading =
            self.rules.iter().filter(|rule| rule.target().is_some_and(among) && !among(&rule.chain)).cloned();
        let mut edits: Vec<Edit> = leading.map(Edit::Delete).collect();
        edits.extend(there.iter().map(|chain| Edit::Flush((*chain).to_owned())));
        edits.extend(there.iter().map(|chain| Edit::Remove((*chain).to_owned())));
        edits
    }
}

impl SavedRule {
    /// Its comment.
    pub fn comment(&self) -> Option<&str> {
        self.after(&["--comment"])
    }

    /// The chain or verdict that it sends packets to.
    pub fn target(&self) -> Option<&str> {
        self.after(&["-j", "-g"])
    }

    /// The value of an option, such as `-s`; also where it is negated.
    pub fn value(&self, option: &str) -> Option<&str> {
        self.after(&[option])
    }

    /// Is it this rule? A comment may stand anywhere among the conditions.
    pub fn is(&self, rule: &Rule) -> bool {
        let wanted = words(&rule.to_string()[rule.chain.len()..]);
        self.chain == rule.chain
            && self.comment() == rule.comment.as_deref()
            && uncommented(&self.words) == uncommented(&wanted)
    }

    fn after(&self, options: &[&str]) -> Option<&str> {
        let at = self.words.iter().position(|word| options.contains(&word.as_str()))?;
        self.words.get(at + 1).map(String::as_str)
    }
}

/// Behind `-A` or `-D`.
impl fmt::Display for SavedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.chain, self.text)
    }
}

/// The words less `-m comment --comment …`.
fn uncommented(words: &[String]) -> Vec<&str> {
    let mut rest: Vec<&str> = words.iter().map(String::as_str).collect();
    if let Some(at) = rest.windows(3).position(|three| three == ["-m", "comment", "--comment"]) {
        rest.drain(at..(at + 4).min(rest.len()));
    }
    rest
}

/// The words of a line, unquoted.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if quoted => word.get_or_insert_default().extend(characters.next()),
            ' ' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAVED: &str = r#"# Generated by iptables-nft-save
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [1:2]
:CNI-A - [0:0]
:CNI-B - [0:0]
-A FORWARD -m comment --comment "it\'s \"x\"" -j CNI-A
-A CNI-A -d 10.1.0.2/32 -m comment --comment "key net/c/eth0" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A CNI-A -j CNI-B
-A CNI-B -m comment --comment word
COMMIT
"#;

    fn saved() -> Saved {
        Saved::parse(SAVED).unwrap()
    }

    #[test]
    fn a_comment_is_read_as_it_was_written() {
        let saved = saved();
        let comments: Vec<_> = saved.rules().iter().map(SavedRule::comment).collect();
        assert_eq!(comments, [Some("it's \"x\""), Some("key net/c/eth0"), None, Some("word")]);
    }

    #[test]
    fn a_rule_is_known_again_wherever_its_comment_stands() {
        let conditions = "-d 10.1.0.2/32 -m conntrack --ctstate RELATED,ESTABLISHED";
        let rule = Rule::new("CNI-A", conditions, "ACCEPT").commented("key net/c/eth0");
        assert!(saved().has(&rule));
        assert!(!saved().has(&Rule { target: "DROP".to_owned(), ..rule.clone() }));
        assert!(!saved().has(&rule.commented("other")));
        assert!(saved().has(&Rule::new("CNI-B", "", "").commented("word")));
    }

    #[test]
    fn a_chain_goes_with_what_it_holds_and_what_leads_to_it() {
        let edits: Vec<String> =
            saved().without_chains(&["CNI-B", "CNI-C"]).iter().map(Edit::to_string).collect();
        assert_eq!(edits, ["-D CNI-A -j CNI-B", "-F CNI-B", "-X CNI-B"]);
    }

    #[test]
    fn only_a_table_that_decides_nothing_is_bare() {
        assert!(!saved().is_bare());
        assert!(!Saved::parse(":FORWARD DROP [0:0]").unwrap().is_bare());
        assert!(Saved::parse(":FORWARD ACCEPT [0:0]\nCOMMIT").unwrap().is_bare());
        assert!(Saved::parse("").unwrap().is_bare());
    }

    #[test]
    fn a_table_that_iptables_can_not_show_is_not_taken_for_an_empty_one() {
        assert_eq!(Saved::parse("# Table `filter' is incompatible, use 'nft' tool."), None);
    }
}
