//! Events on the agent's own Node: what `kubectl describe node` shows to people. A thing that happens again and again is
//! told once a while, and many things at once don't flood the server.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType};

/// The same is not told again before this.
const AGAIN: Duration = Duration::from_secs(60);

/// Events at once …
const BURST: u32 = 20;

/// … and then one in this time.
const EACH: Duration = Duration::from_secs(15);

/// The API takes no longer notes. Bytes.
const LONGEST_NOTE: usize = 1024;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It is good to know.
    Normal,
    /// Somebody should look.
    Warning,
}

/// Something that people should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// How much it matters.
    pub(crate) weight: Weight,
    /// One word in `CamelCase`: `PodCIDRConflict`.
    pub(crate) reason: &'static str,
    /// What kind of thing it is about: `Route`, `Node`.
    pub(crate) kind: &'static str,
    /// Which one: `10.244.3.0/24`.
    pub(crate) name: String,
    /// The whole sentence.
    pub(crate) note: String,
}

impl Notice {
    /// As the API has it. The thing itself is the related object: else two Events of one reason would be taken for one
    /// Event that happened twice.
    pub(super) fn event(&self) -> Event {
        Event {
            type_: match self.weight {
                Weight::Normal => EventType::Normal,
                Weight::Warning => EventType::Warning,
            },
            reason: self.reason.to_owned(),
            note: Some(cut(&self.note).to_owned()),
            action: "Reconcile".to_owned(),
            secondary: Some(ObjectReference {
                kind: Some(self.kind.to_owned()),
                name: Some(self.name.clone()),
                ..ObjectReference::default()
            }),
        }
    }
}

/// As much of a note as the API takes.
fn cut(note: &str) -> &str {
    let longest = note.len().min(LONGEST_NOTE);
    let end = (0..=longest).rev().find(|end| note.is_char_boundary(*end));
    &note[..end.unwrap_or(0)]
}

/// Which notices are told, and when again.
#[derive(Debug, Default)]
pub(super) struct Told {
    last: HashMap<(&'static str, &'static str, String), Instant>,
    /// When the burst will be whole again.
    debt: Option<Instant>,
}

impl Told {
    /// Is this one to be told now? Then it counts as told.
    pub(super) fn admits(&mut self, notice: &Notice, now: Instant) -> bool {
        self.last.retain(|_, told| now.duration_since(*told) < AGAIN);
        let key = (notice.reason, notice.kind, notice.name.clone());
        let debt = self.debt.unwrap_or(now).max(now);
        if self.last.contains_key(&key) || debt.duration_since(now) > EACH * (BURST - 1) {
            return false;
        }
        self.last.insert(key, now);
        self.debt = Some(debt + EACH);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(name: &str) -> Notice {
        Notice {
            weight: Weight::Warning,
            reason: "Undone",
            kind: "Route",
            name: name.to_owned(),
            note: format!("somebody removes the route {name}"),
        }
    }

    #[test]
    fn the_same_is_told_once_a_minute() {
        let (mut told, now) = (Told::default(), Instant::now());
        assert!(told.admits(&notice("a"), now));
        assert!(!told.admits(&notice("a"), now + AGAIN / 2));
        assert!(told.admits(&notice("b"), now + AGAIN / 2));
        assert!(told.admits(&notice("a"), now + AGAIN));
    }

    #[test]
    fn a_flood_is_cut_to_a_burst_and_a_trickle() {
        let (mut told, now) = (Told::default(), Instant::now());
        let admitted = |told: &mut Told, first: u32, now| {
            (first..first + 1000).filter(|name| told.admits(&notice(&name.to_string()), now)).count()
        };
        assert_eq!(admitted(&mut told, 0, now), BURST as usize);
        assert_eq!(admitted(&mut told, 1000, now + EACH), 1);
        assert_eq!(admitted(&mut told, 2000, now + EACH * BURST * 2), BURST as usize);
    }

    #[test]
    fn a_long_note_is_cut_between_characters() {
        let mut long = notice("a");
        long.note = "é".repeat(LONGEST_NOTE);
        assert_eq!(long.event().note.map(|note| note.len()), Some(LONGEST_NOTE));
        long.note.insert(0, 'x');
        assert_eq!(long.event().note.map(|note| note.len()), Some(LONGEST_NOTE - 1));
    }
}
