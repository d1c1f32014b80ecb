//! What an attachment has in its container and nowhere else: a link that was made there, or a device of the host that
//! was lent to it.

use std::fmt;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use netstate::{LinkName, Mac, Object, Plan};

use crate::alias;
use crate::apply::Applied;
use crate::container_link::{bring_home, give_back, kind};
use crate::error::{Context, Error};
use crate::life::Life;
use crate::link::{self, Seen, Socket};
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::record::{Record, Records};
use crate::remove::gone;

/// The calling thread's network namespace.
const OWN: &str = "/proc/thread-self/ns/net";

/// The kernel sends a device back as soon as it gets round to burying its namespace.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// What a record keeps of it. As text: `made macvlan`, `lent ens5 02:00:00:00:00:01`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Away {
    /// A link of this kind was made.
    Made(String),
    /// A device was moved in.
    Lent(Lent),
}

/// A device that has to come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lent {
    /// Its name on the host.
    pub home: LinkName,
    /// Its MAC, where it has one.
    pub mac: Option<Mac>,
}

/// The text is no [`Away`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}: neither `made KIND` nor `lent NAME MAC`")]
pub struct AwayError(pub String);

impl Away {
    /// What a plan makes of it.
    pub(crate) fn of(plan: &Plan) -> Option<Self> {
        plan.steps().iter().find_map(|step| match &step.object {
            Object::ContainerLink(link) => Some(Self::Made(kind(&link.kind).to_string())),
            Object::Device(device) => Some(Self::Lent(Lent { home: device.home.clone(), mac: device.mac })),
            _ => None,
        })
    }
}

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made(kind) => write!(f, "made {kind}"),
            Self::Lent(Lent { home, mac: Some(mac) }) => write!(f, "lent {home} {mac}"),
            Self::Lent(Lent { home, mac: None }) => write!(f, "lent {home}"),
        }
    }
}

impl FromStr for Away {
    type Err = AwayError;

    fn from_str(text: &str) -> Result<Self, AwayError> {
        let invalid = || AwayError(text.to_owned());
        match text.split(' ').collect::<Vec<_>>()[..] {
            ["made", kind] => Ok(Self::Made(kind.to_owned())),
            ["lent", home, ref mac @ ..] => Ok(Self::Lent(Lent {
                home: home.parse().map_err(|_| invalid())?,
                mac: mac.first().map(|mac| mac.parse()).transpose().map_err(|_| invalid())?,
            })),
            _ => Err(invalid()),
        }
    }
}

impl Host {
    /// Takes out of the container what the record says. `given` is the namespace that the runtime names; without it the
    /// record leads there, if it is still there.
    pub(crate) fn clear(&mut self, record: &Record, given: Option<&Namespace>) -> Result<(), Error> {
        let Some(away) = &record.away else { return Ok(()) };
        let reached = if given.is_none() { reach(record) } else { None };
        let container = given.or(reached.as_ref());
        match (away, container) {
            (Away::Made(kind), Some(container)) => remove_made(record, kind, container),
            // It died with its namespace.
            (Away::Made(_), None) => Ok(()),
            (Away::Lent(lent), Some(container)) => {
                self.take_back(container, lent)?;
                self.bring_home(lent)
            }
            (Away::Lent(lent), None) => self.bring_home(lent),
        }
    }

    /// Is the device of this record neither in its container nor on the host? Then the kernel still has it, on the way
    /// back from a namespace that has ended, and the record has to wait for it.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn awaits(&mut self, record: &Record) -> Result<bool, Error> {
        match &record.away {
            Some(Away::Lent(lent)) => Ok(self.find(&lent.home)?.is_none()),
            Some(Away::Made(_)) | None => Ok(false),
        }
    }

    /// Waits a little for the device of this record to come back. Says whether it did, or there is none.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn wait_for_device(&mut self, record: &Record) -> Result<bool, Error> {
        let end = Instant::now() + PATIENCE;
        while self.awaits(record)? {
            if Instant::now() >= end {
                return Ok(false);
            }
            thread::sleep(PAUSE);
            self.clear(record, None)?;
        }
        Ok(true)
    }

    /// Undoes what was made or moved inside.
    pub(crate) fn undo_inside(&mut self, applied: &Applied, container: &Namespace) -> Result<(), Error> {
        if let Some(name) = &applied.inside {
            delete(&mut *container.route()?, name)?;
        }
        match &applied.device {
            Some(device) => self.take_back(container, &Lent { home: device.home.clone(), mac: device.mac }),
            None => Ok(()),
        }
    }

    /// Moves a device out of the container. One that is not there is none; where its name is taken on the host, it
    /// stays where it is.
    pub(crate) fn take_back(&mut self, container: &Namespace, lent: &Lent) -> Result<(), Error> {
        let home = &lent.home;
        let mut socket = container.route()?;
        let links = link::all(&mut socket).context("read", &"the links of the container")?;
        // A move that ended halfway left it under its old name, and without its alias.
        let halfway = |seen: &Seen| {
            seen.name == home.as_str() && seen.alias.is_none() && seen.mac == lent.mac && lent.mac.is_some()
        };
        let inside = links.iter().find(|seen| seen.alias.as_deref() == Some(home.as_str()) || halfway(seen));
        let Some(seen) = inside else { return Ok(()) };
        if self.find(home)?.is_some() {
            return Err(Error::LinkExists { place: "the host", name: home.clone() });
        }
        let own = File::open(OWN).context("open", &OWN)?;
        let request = give_back(seen.index, home, own.as_raw_fd());
        socket.request(request).context("move back to the host", home).map(drop)
    }

    /// Gives a device its old name, if a namespace that ended has sent it back under another. Its alias tells.
    fn bring_home(&mut self, lent: &Lent) -> Result<(), Error> {
        match self.lost(&lent.home, lent.mac)? {
            Some(seen) => {
                let request = bring_home(seen.index, &lent.home);
                self.route.request(request).context("give its name back to", &lent.home).map(drop)
            }
            None => Ok(()),
        }
    }

    /// A device that was lent and has come back under another name than `home`: a record has to say so, for anybody may
    /// give a link an alias.
    ///
    /// # Errors
    /// Where the records can't be read, or the kernel refuses.
    pub fn strayed(&mut self, home: &LinkName) -> Result<Option<Seen>, Error> {
        for record in Records::of_this_boot()?.all()? {
            match record.away {
                Some(Away::Lent(lent)) if lent.home == *home => return self.lost(home, lent.mac),
                _ => {}
            }
        }
        Ok(None)
    }

    /// What a link of the host is called when it is at home, if a namespace that ended has sent it back under another
    /// name: its alias says so, and the record of a device of its MAC, or of a container that no longer has one.
    ///
    /// # Errors
    /// Where the records can't be read.
    pub fn home_of(&self, seen: &Seen) -> Result<Option<LinkName>, Error> {
        let Some(alias) = &seen.alias else { return Ok(None) };
        let records = Records::of_this_boot()?;
        Ok(records.all()?.into_iter().find_map(|record| match &record.away {
            Some(Away::Lent(lent))
                if lent.home.as_str() == alias
                    && (lent.mac == seen.mac || records.life(&record) != Life::Alive) =>
            {
                Some(lent.home.clone())
            }
            _ => None,
        }))
    }

    /// The link of this MAC.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn find_by_mac(&mut self, mac: Mac) -> Result<Option<Seen>, Error> {
        let links = link::all(&mut self.route).context("read", &"the links")?;
        Ok(links.into_iter().find(|seen| seen.mac == Some(mac)))
    }

    /// The device on the host that should be called `home`, by its alias: under whatever name. Its MAC makes sure; the
    /// container may have changed that, so where no link has the name, the alias has to do.
    fn lost(&mut self, home: &LinkName, mac: Option<Mac>) -> Result<Option<Seen>, Error> {
        let links = link::all(&mut self.route).context("read", &"the links")?;
        let sure = mac.is_none() || links.iter().all(|seen| seen.name != home.as_str());
        let aliased = links.into_iter().filter(|seen| seen.alias.as_deref() == Some(home.as_str()));
        let (same, other): (Vec<_>, Vec<_>) = aliased.partition(|seen| seen.mac == mac);
        Ok(same.into_iter().chain(other.into_iter().filter(|_| sure)).next())
    }
}

/// Removes the link if it is the attachment's: the namespace may be another's by now. A kill may have come before its
/// alias; then its kind has to do.
fn remove_made(record: &Record, kind: &str, container: &Namespace) -> Result<(), Error> {
    let Ok(name) = record.owner.ifname.parse::<LinkName>() else { return Ok(()) };
    let mut socket = container.route()?;
    let own = alias::text(&record.owner);
    match link::find(&mut socket, &name).context("find", &name)? {
        Some(seen) if seen.is_kind(kind) && seen.alias.as_ref().is_none_or(|alias| *alias == own) => {
            delete(&mut socket, &name)
        }
        _ => Ok(()),
    }
}

fn delete(socket: &mut Socket, name: &LinkName) -> Result<(), Error> {
    gone(socket.request(link::delete(name)).map(drop)).context("remove", name)
}

/// The container's namespace by the kernel's own name for it; where that can't be had, by its path.
fn reach(record: &Record) -> Option<Namespace> {
    if let Some(Ok(namespace)) = record.proof.namespace.as_ref().map(|seen| seen.network.open()) {
        let path = PathBuf::from(format!("/proc/thread-self/fd/{}", namespace.as_raw_fd()));
        return Namespace::open_if_there(&path);
    }
    Namespace::open_if_there(record.netns.as_deref()?)
}
