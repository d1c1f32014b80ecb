//! Who holds which ports: read from the maps of all classes.

use netlink_packet_netfilter::NetfilterMessage;
use netstate::{Family, HostPorts, Ports};

use super::class::{Class, Map};
use super::entry::{self, PortEntry, Sharing};
use super::{OwnedPort, TABLE};
use crate::nftables::answer::Entry;
use crate::nftables::error::Error;
use crate::nftables::owner::Owner;
use crate::nftables::session::Session;
use crate::nftables::set::{Key, Leads};

/// With more ports than this, a map is read as a whole.
const ONE_BY_ONE: usize = 50;

/// An element that is there.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    /// Whose; nobody's that we know where its comment is not ours.
    pub(super) owner: Option<Owner>,
    /// What it is, in the words in which it was asked for.
    pub(super) entry: PortEntry,
}

impl Holding {
    /// Is it the very element?
    pub(super) fn is(&self, wanted: &PortEntry) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.key() == wanted.owner.key())
            && (&self.entry.map, &self.entry.key, &self.entry.leads)
                == (&wanted.map, &wanted.key, &wanted.leads)
    }

    fn read(map: (Map, Family), name: &str, found: Entry) -> Self {
        let owner = found.comment.as_deref().and_then(Owner::parse).map(|(owner, _)| owner);
        let from = if map.0 == Map::Hairpins { None } else { entry::parse(map.0, map.1, &found) };
        let leads = found.chain.map_or(Leads::Value(found.value), Leads::Chain);
        let key = Key { first: found.key, last: found.last };
        let whose = owner.clone().unwrap_or_else(Owner::nobody);
        let sharing = match &found.comment {
            Some(comment) if Owner::is_of_shared(comment) => Sharing::Shared,
            _ => Sharing::Alone,
        };
        Self { owner, entry: PortEntry { from, owner: whose, map: name.to_owned(), key, leads, sharing } }
    }
}

/// What is there that may be in the way of an attachment's ports.
pub(super) struct Holdings(Vec<Holding>);

impl Holdings {
    /// Looks. Ports on all addresses are asked for one by one, for there are many; those of single addresses and
    /// ranges are few, and any of them may overlap.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn look(session: &mut Session, class: &Class, ports: &Ports) -> Result<Self, Error> {
        let mut holdings = Vec::new();
        let wanted = entry::of(class, ports);
        let mut single = Singles::default();
        for suffix in suffixes(session)? {
            for family in Family::ALL {
                let of_family: Vec<HostPorts> = wanted
                    .iter()
                    .filter_map(|entry| entry.from)
                    .filter(|from| from.family == family)
                    .collect();
                if of_family.is_empty() {
                    continue;
                }
                for map in [Map::ByAddress, Map::Ranges] {
                    holdings.extend(whole(session, (map, family), &suffix)?);
                }
                if of_family.len() > ONE_BY_ONE || of_family.iter().any(|from| from.ports.single().is_none())
                {
                    holdings.extend(whole(session, (Map::Ports, family), &suffix)?);
                } else {
                    single.ports((family, &suffix), &of_family);
                }
            }
        }
        single.hairpins(wanted.iter().filter(|entry| entry.from.is_none()));
        holdings.extend(single.look(session)?);
        Ok(Self(holdings))
    }

    /// What overlaps with it, or is the same hairpin.
    pub(super) fn in_the_way<'a>(&'a self, wanted: &'a PortEntry) -> impl Iterator<Item = &'a Holding> {
        self.0.iter().filter(move |held| match (&held.entry.from, &wanted.from) {
            (Some(held), Some(wanted)) => held.overlaps(wanted),
            (None, None) => held.entry.map == wanted.map && held.entry.key == wanted.key,
            _ => false,
        })
    }
}

/// Elements that are asked for one by one, all at once: where each would be, and the question.
#[derive(Default)]
struct Singles(Vec<((Map, Family), String, NetfilterMessage)>);

impl Singles {
    /// Those of the ports that are mapped on all addresses.
    fn ports(&mut self, (family, suffix): (Family, &str), wanted: &[HostPorts]) {
        let name = Map::Ports.name(family, suffix);
        self.0.extend(wanted.iter().map(|from| {
            let from = HostPorts { address: None, ..*from };
            let question = TABLE.get_element(&name, &entry::key(&from).first);
            ((Map::Ports, family), name.clone(), question)
        }));
    }

    fn hairpins<'a>(&mut self, wanted: impl Iterator<Item = &'a PortEntry>) {
        let asked = |entry: &PortEntry| ((Map::Hairpins, Family::V4), entry.map.clone(), entry.question());
        self.0.extend(wanted.map(asked));
    }

    fn look(self, session: &mut Session) -> Result<Vec<Holding>, Error> {
        let (places, questions): (Vec<_>, Vec<_>) =
            self.0.into_iter().map(|(map, name, question)| ((map, name), question)).unzip();
        let found = places.into_iter().zip(session.find_each(questions)?);
        Ok(found.filter_map(|((map, name), found)| Some(Holding::read(map, &name, found?))).collect())
    }
}

/// All that is in a map.
fn whole(session: &mut Session, map: (Map, Family), suffix: &str) -> Result<Vec<Holding>, Error> {
    let name = map.0.name(map.1, suffix);
    let found = session.entries(TABLE, &name)?;
    Ok(found.into_iter().map(|found| Holding::read(map, &name, found)).collect())
}

/// What the names of the classes that are there end with.
fn suffixes(session: &mut Session) -> Result<Vec<String>, Error> {
    let first = Map::Ports.name(Family::V4, "");
    let sets = session.sets(TABLE)?;
    Ok(sets.iter().filter_map(|set| set.name.strip_prefix(&first)).map(str::to_owned).collect())
}

/// Every element that says whose it is.
///
/// # Errors
/// What the kernel says.
pub(super) fn all(session: &mut Session) -> Result<Vec<OwnedPort>, Error> {
    let mut all = Vec::new();
    for suffix in suffixes(session)? {
        for map in Map::OF_PORTS.into_iter().chain([Map::Hairpins]) {
            for family in Family::ALL {
                all.extend(whole(session, (map, family), &suffix)?);
            }
        }
    }
    let owned =
        |held: Holding| Some(OwnedPort { owner: held.owner?, from: held.entry.from, entry: held.entry });
    Ok(all.into_iter().filter_map(owned).collect())
}
