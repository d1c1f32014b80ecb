//! The link that macvlan, ipvlan and vlan links rest on (`master`, `linkInContainer`).

use cni::{Code, Coded, Failure};
use host::link::Seen;
use netstate::{LinkName, Lower, Place};
use serde::Deserialize;

use crate::failure::of;
use crate::interface::flow::{Base, Moment, Site};
use crate::interface::keys::{self, KeyError};

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LowerError {
    #[error("master: failed to lookup {0:?}: there is no such link")]
    Missing(String),
    #[error("master: none given, and there is no default route to tell one")]
    NoDefaultRoute,
}

impl Coded for LowerError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// What a configuration says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Master {
    /// `master`; where it is absent, the link of the default route.
    pub(crate) name: Option<LinkName>,
    /// `linkInContainer`: where it is looked for.
    pub(crate) place: Place,
}

/// What was written of it.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct WrittenMaster {
    master: String,
    link_in_container: bool,
}

impl WrittenMaster {
    /// What it means.
    ///
    /// # Errors
    /// A name that no link can have.
    pub(crate) fn parse(&self) -> Result<Master, KeyError> {
        let place = if self.link_in_container { Place::Container } else { Place::Host };
        Ok(Master { name: keys::link("master", &self.master)?, place })
    }
}

/// What the machine says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Below {
    /// Its name, and where it is.
    pub(crate) lower: Lower,
    /// Its MTU in bytes; absent where STATUS can't see it, for it is a container's.
    mtu: Option<u32>,
}

impl Master {
    /// Finds it, for a link of this MTU in bytes.
    ///
    /// # Errors
    /// Code 7 where there is none, or the MTU is too large, and what the kernel says.
    pub(crate) fn find(&self, site: &mut Site, mtu: Option<u32>) -> Result<Below, Failure> {
        let below = self.look(site)?;
        below.carries(mtu)?;
        Ok(below)
    }

    fn look(&self, site: &mut Site) -> Result<Below, Failure> {
        if site.moment == Moment::After && self.name.is_none() {
            return self.as_made(site);
        }
        // STATUS plans nothing by it, and so any name does.
        if self.place == Place::Container && site.container.is_none() {
            let name = self.name.clone().map_or_else(|| "eth0".parse(), Ok);
            let name = name.map_err(|_| LowerError::NoDefaultRoute)?;
            return Ok(Below { lower: Lower { name, place: self.place }, mtu: None });
        }
        let name = match &self.name {
            Some(name) => name.clone(),
            None => self.by_default_route(site)?,
        };
        match seen(site, self.place, &name)? {
            Some(seen) => Ok(Below { lower: Lower { name, place: self.place }, mtu: Some(seen.mtu) }),
            None => Err(LowerError::Missing(name.to_string()).into()),
        }
    }

    fn by_default_route(&self, site: &mut Site) -> Result<LinkName, Failure> {
        let found = match (self.place, site.container) {
            (Place::Container, Some(container)) => site.host.default_link_in(container),
            _ => site.host.default_link(),
        };
        Ok(found.map_err(of)?.ok_or(LowerError::NoDefaultRoute)?)
    }

    /// What the link of a standing attachment rests on: the default route may have moved on meanwhile.
    fn as_made(&self, site: &mut Site) -> Result<Below, Failure> {
        let name = &site.request.ifname;
        let missing = || LowerError::Missing(format!("what {name} rests on"));
        let (Some(container), Ok(link)) = (site.container, name.parse()) else {
            return Err(missing().into());
        };
        let made = site.host.find_in(container, &link).map_err(of)?;
        let index = made.and_then(|made| made.peer).ok_or_else(missing)?;
        let lower = match self.place {
            Place::Host => site.host.find_index(index),
            Place::Container => site.host.find_index_in(container, index),
        };
        let lower = lower.map_err(of)?.ok_or_else(missing)?;
        let name = lower.name.parse().map_err(|_| missing())?;
        Ok(Below { lower: Lower { name, place: self.place }, mtu: Some(lower.mtu) })
    }
}

impl Below {
    /// No link may have a larger MTU than the one that it rests on.
    ///
    /// # Errors
    /// Code 7, naming both.
    fn carries(&self, mtu: Option<u32>) -> Result<(), KeyError> {
        match (mtu, self.mtu) {
            (Some(mtu), Some(most)) if mtu > most => Err(KeyError::MtuOfMaster { mtu, most }),
            _ => Ok(()),
        }
    }

    /// On the host every container goes by it.
    pub(crate) fn base(&self) -> Base<'_> {
        match self.lower.place {
            Place::Host => Base::Needed(&self.lower.name),
            Place::Container => Base::None,
        }
    }
}

fn seen(site: &mut Site, place: Place, name: &LinkName) -> Result<Option<Seen>, Failure> {
    let found = match (place, site.container) {
        (Place::Container, Some(container)) => site.host.find_in(container, name),
        _ => site.host.find(name),
    };
    found.map_err(of)
}
