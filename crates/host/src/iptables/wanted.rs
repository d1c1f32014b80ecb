//! Chains and rules that must be there, and what is lacking.

use super::edit::{Edit, Place, Rule};
use super::saved::Saved;

/// What must be in a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Chains that are not iptables' own.
    pub chains: Vec<String>,
    /// Rules, and where one is put that is missing. One that is there stays where it is.
    pub rules: Vec<(Rule, Place)>,
}

impl Wanted {
    /// What makes it so.
    pub fn edits(&self, saved: &Saved) -> Vec<Edit> {
        let chains = self.chains.iter().filter(|chain| !saved.has_chain(chain));
        let mut edits: Vec<Edit> = chains.cloned().map(Edit::Create).collect();
        edits.extend(self.missing(saved).map(|(rule, place)| Edit::Add(rule.clone(), *place)));
        edits
    }

    /// Is all of it there?
    pub fn stands(&self, saved: &Saved) -> bool {
        self.chains.iter().all(|chain| saved.has_chain(chain)) && self.missing(saved).next().is_none()
    }

    fn missing<'a>(&'a self, saved: &'a Saved) -> impl Iterator<Item = &'a (Rule, Place)> {
        self.rules.iter().filter(|(rule, _)| !saved.has(rule))
    }
}
