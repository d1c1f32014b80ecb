//! `firewall` by iptables: chains of the reference's names and shape, so that an administrator's rules in `CNI-ADMIN`
//! stay in force, and both may live on one node.
//!
//! ```text
//! -A FORWARD -m comment --comment "CNI firewall plugin rules (ingressPolicy: same-bridge|isolated)" -j CNI-ISOLATION-STAGE-1
//! -A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD
//! -A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN
//! -A CNI-FORWARD -d 10.1.0.2/32 -m comment --comment "<key> net/one/eth0" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
//! -A CNI-FORWARD -s 10.1.0.2/32 -m comment --comment "<key> net/one/eth0" -j ACCEPT
//! -A CNI-ISOLATION-STAGE-1 -i cni0 ! -o cni0 -m comment --comment "trestle (ingressPolicy: same-bridge)" -j CNI-ISOLATION-STAGE-2
//! -A CNI-ISOLATION-STAGE-2 -o cni0 -m comment --comment "trestle (ingressPolicy: same-bridge)" -j DROP
//! -A CNI-ISOLATION-MEMBERS -i cni0 -m comment --comment "<key> net/one/eth0"
//! ```
//!
//! Nothing leads to `CNI-ISOLATION-MEMBERS`: its rules count, so that a bridge stays separated as long as an attachment
//! is there that asked for it.

use netstate::{Attachment, Family, FirewallRule, LinkName, Separation};

use crate::iptables::{Edit, Place, Rule, Saved, SavedRule, Wanted};
use crate::nftables::Owner;

/// The chain of rules that let packets through.
pub(super) const FORWARD: &str = "CNI-FORWARD";

/// The chain of what comes from separated bridges.
pub(super) const STAGE_1: &str = "CNI-ISOLATION-STAGE-1";

/// The chain of what goes to separated bridges.
pub(super) const STAGE_2: &str = "CNI-ISOLATION-STAGE-2";
const MEMBERS: &str = "CNI-ISOLATION-MEMBERS";

const ENTRY: &str = "CNI firewall plugin rules";
const OVERRIDES: &str = "CNI firewall plugin admin overrides";
const SEPARATION_ENTRY: &str = "CNI firewall plugin rules (ingressPolicy: same-bridge|isolated)";

/// What separates a bridge, as long as somebody asks for it.
fn separation(bridge: &LinkName, ingress: Separation) -> Vec<(Rule, Place)> {
    let comment = format!("trestle (ingressPolicy: {ingress})");
    let rule = |chain, conditions: String, target| {
        (Rule::new(chain, conditions, target).commented(&comment), Place::First)
    };
    let mut rules = vec![
        rule(STAGE_1, format!("-i {bridge} ! -o {bridge}"), STAGE_2),
        rule(STAGE_2, format!("-o {bridge}"), "DROP"),
    ];
    if ingress == Separation::Isolated {
        rules.push(rule(STAGE_1, format!("-i {bridge} -o {bridge}"), "DROP"));
    }
    rules
}

/// Who asks for it.
fn member(bridge: &LinkName, ingress: Separation, owner: &Owner) -> Rule {
    let conditions = match ingress {
        Separation::SameBridge => format!("-i {bridge}"),
        Separation::Isolated => format!("-i {bridge} -o {bridge}"),
    };
    Rule::new(MEMBERS, conditions, "").commented(owner.comment(None))
}

/// What the rules need, which one iptables keeps.
pub(super) fn wanted(rules: &[(&FirewallRule, &Attachment)]) -> Wanted {
    let mut wanted = Wanted::default();
    for (rule, owner) in rules {
        let owner = Owner::of(owner);
        match rule {
            FirewallRule::Accept { address, keeper } => {
                if let netstate::AcceptKeeper::Iptables { admin_chain, .. } = keeper {
                    chain(&mut wanted, FORWARD);
                    chain(&mut wanted, admin_chain);
                    add(&mut wanted, Rule::new("FORWARD", "", FORWARD).commented(ENTRY), Place::First);
                    let admin = Rule::new(FORWARD, "", admin_chain).commented(OVERRIDES);
                    add(&mut wanted, admin, Place::First);
                }
                let host = format!("{address}/{}", Family::of(*address).bits());
                for conditions in accepted(&host) {
                    let rule = Rule::new(FORWARD, conditions, "ACCEPT").commented(owner.comment(None));
                    add(&mut wanted, rule, Place::Last);
                }
            }
            FirewallRule::Separate { bridge, ingress, .. } => {
                for name in [STAGE_1, STAGE_2, MEMBERS] {
                    chain(&mut wanted, name);
                }
                let entry = Rule::new("FORWARD", "", STAGE_1).commented(SEPARATION_ENTRY);
                add(&mut wanted, entry, Place::First);
                for (rule, place) in separation(bridge, *ingress) {
                    add(&mut wanted, rule, place);
                }
                add(&mut wanted, member(bridge, *ingress, &owner), Place::Last);
            }
        }
    }
    wanted
}

/// The conditions of the two rules of an address, answers first.
pub(super) fn accepted(host: &str) -> [String; 2] {
    [format!("-d {host} -m conntrack --ctstate RELATED,ESTABLISHED"), format!("-s {host}")]
}

fn chain(wanted: &mut Wanted, name: &str) {
    if !wanted.chains.iter().any(|known| known == name) {
        wanted.chains.push(name.to_owned());
    }
}

fn add(wanted: &mut Wanted, rule: Rule, place: Place) {
    if !wanted.rules.iter().any(|(known, _)| *known == rule) {
        wanted.rules.push((rule, place));
    }
}

/// What is to be changed so that the rules stand, and no other owner's of the same addresses: those are dead.
pub(super) fn additions(saved: &Saved, wanted: &Wanted) -> Vec<Edit> {
    let stands = |found: &SavedRule| wanted.rules.iter().any(|(rule, _)| found.is(rule));
    let hosts: Vec<&str> =
        wanted.rules.iter().filter_map(|(rule, _)| rule.conditions.strip_prefix("-s ")).collect();
    let of_the_dead = saved.rules().iter().filter(|found| {
        let address = found.value("-s").or_else(|| found.value("-d"));
        found.chain == FORWARD
            && owner(found).is_some()
            && address.is_some_and(|address| hosts.contains(&address))
            && !stands(found)
    });
    let mut edits: Vec<Edit> = of_the_dead.cloned().map(Edit::Delete).collect();
    edits.extend(wanted.edits(saved));
    edits
}

/// What is to be changed so that nothing is left of the owners that `gone` picks.
pub(super) fn removals(saved: &Saved, gone: impl Fn(&Owner) -> bool) -> Vec<Edit> {
    let leaves = |rule: &SavedRule| owner(rule).is_some_and(|owner| gone(&owner));
    let ours = |rule: &&SavedRule| rule.chain == FORWARD || rule.chain == MEMBERS;
    let leaving: Vec<&SavedRule> = saved.rules().iter().filter(ours).filter(|rule| leaves(rule)).collect();
    let mut edits: Vec<Edit> = leaving.iter().copied().cloned().map(Edit::Delete).collect();
    let members = || saved.rules().iter().filter(|rule| rule.chain == MEMBERS);
    let staying: Vec<_> = members().filter(|rule| !leaves(rule)).filter_map(membership).collect();
    let mut ending: Vec<_> = members()
        .filter(|rule| leaves(rule))
        .filter_map(membership)
        .filter(|left| !staying.contains(left))
        .collect();
    ending.dedup();
    for (bridge, ingress) in ending {
        let rules = separation(&bridge, ingress);
        let found = saved.rules().iter().filter(|found| rules.iter().any(|(rule, _)| found.is(rule)));
        for edit in found.cloned().map(Edit::Delete) {
            if !edits.contains(&edit) {
                edits.push(edit);
            }
        }
    }
    edits
}

/// What is to be changed so that nothing of ours is left: chains go but for those that others filled.
pub(super) fn dismantling(saved: &Saved) -> Vec<Edit> {
    let mut edits = removals(saved, |_| true);
    let left = |chain: &str| {
        let rules = saved.rules().iter().filter(|rule| rule.chain == chain);
        rules.filter(|rule| !edits.contains(&Edit::Delete((*rule).clone()))).collect::<Vec<_>>()
    };
    let admin: Vec<&str> = left(FORWARD)
        .into_iter()
        .filter(|rule| rule.comment() == Some(OVERRIDES))
        .filter_map(SavedRule::target)
        .collect();
    let only_entries = left(FORWARD).iter().all(|rule| rule.comment() == Some(OVERRIDES));
    let mut chains: Vec<&str> = Vec::new();
    if only_entries {
        chains.push(FORWARD);
        chains.extend(admin.into_iter().filter(|chain| left(chain).is_empty()));
    }
    if left(STAGE_1).is_empty() && left(STAGE_2).is_empty() {
        chains.extend([STAGE_1, STAGE_2]);
    }
    chains.push(MEMBERS);
    edits.extend(saved.without_chains(&chains));
    edits
}

fn owner(rule: &SavedRule) -> Option<Owner> {
    Owner::parse(rule.comment()?).map(|(owner, _)| owner)
}

/// What a rule of [`MEMBERS`] says.
fn membership(rule: &SavedRule) -> Option<(LinkName, Separation)> {
    let ingress = if rule.value("-o").is_some() { Separation::Isolated } else { Separation::SameBridge };
    Some((rule.value("-i")?.parse().ok()?, ingress))
}
