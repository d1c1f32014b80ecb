//! Proof of life: may a container be declared gone, so that what it held can be given to another?
//!
//! A record holds a [`Proof`], taken when the container was attached. Later a [`Witness`] says from it whether the
//! container is alive. Death needs evidence; a missing path or an old file is none, and in doubt the answer is
//! [`Life::Unknown`]. The evidence, in this order:
//!
//! 1. The machine has booted since: no network namespace outlives a boot.
//! 2. The kernel says that the namespace object is gone: its nsfs file handle answers `ESTALE`. A process that may
//!    not see a namespace gets the same answer, so it counts only from a witness that can see:
//!    it is in the user namespace in which the proof was taken, and a control experiment shows that it can open the
//!    handle of a namespace that it is not in. (The experiment alone would not do: a child user namespace with a
//!    UTS namespace of its own passes it, and is blind to the host's.)
//! 3. The very network namespace in which the proof was taken knows no other by the ID that it gave the container's.
//!    Taken only where neither 2 nor 4 can be (a kernel without handles of namespaces, and a container whose link has
//!    no end that we know): `ip link` shows the ID at every link that leads there.
//! 4. The host end of the attachment's link is missing from the very network namespace in which it was made, and
//!    nobody is still at work on the attachment. A veth pair dies with the container's namespace.

use std::cell::OnceCell;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::str::FromStr;

use netstate::LinkName;
use nix::sched::{CloneFlags, unshare};

use crate::boot::BootId;
use crate::cookie::{NetworkIdentity, link_exists};
use crate::nsfs::NamespaceHandle;
use crate::nsid::NamespaceId;

const OWN_USER: &str = "/proc/thread-self/ns/user";
const OWN_UTS: &str = "/proc/thread-self/ns/uts";

/// What is known of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Life {
    /// Its network namespace, or its link, is there.
    Alive,
    /// There is proof that its network namespace is gone.
    Dead,
    /// Neither: whatever it holds stays its own.
    Unknown,
}

/// What a record keeps about a container, to tell later whether it is gone. As text: lines of `key value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The boot in which the container was attached.
    pub boot: BootId,
    /// Its network namespace, on a kernel that has handles of namespaces.
    pub namespace: Option<Sighting>,
    /// Its network namespace, where nothing else would tell of it.
    pub peer: Option<Peer>,
    /// The host end of its link.
    pub link: Option<HostEnd>,
}

/// A network namespace, and from where it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The container's network namespace.
    pub network: NamespaceHandle,
    /// The user namespace of the process that saw it.
    pub user: NamespaceHandle,
}

/// A network namespace by the ID that the host's knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The host's network namespace.
    pub host: NetworkIdentity,
    /// The container's ID there.
    pub id: NamespaceId,
}

/// A link on the host that lives exactly as long as the container's network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEnd {
    /// The host's network namespace.
    pub host: NetworkIdentity,
    /// The link's name there.
    pub name: LinkName,
}

/// Text that is no [`Proof`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A line has an unknown key, or no value.
    #[error("proof of life: line {0:?} can't be read")]
    Line(String),
    /// A key that every proof has is missing.
    #[error("proof of life: no line `{0}`")]
    Missing(&'static str),
}

impl Proof {
    /// Takes the proof for a container whose network namespace is `netns`, and whose link's host end is (or will
    /// soon be) `link`. A `netns` that can't be looked at leaves less to go by later, which is no error.
    ///
    /// # Errors
    /// Where `/proc` can't be read.
    pub fn of(netns: Option<&Path>, link: Option<&LinkName>) -> io::Result<Self> {
        let sighting = |netns: &Path| {
            let network = NamespaceHandle::of(netns).ok()?;
            let user = NamespaceHandle::of(Path::new(OWN_USER)).ok()?;
            Some(Sighting { network, user })
        };
        let host_end =
            |name: &LinkName| NetworkIdentity::current().map(|host| HostEnd { host, name: name.clone() });
        let peer = |netns: &Path| {
            // Most that fail here name no namespace at all, and shall not cost more than the look at it.
            let id = NamespaceId::give(netns).ok()?;
            Some(Peer { host: NetworkIdentity::current().ok()?, id })
        };
        let namespace = netns.and_then(sighting);
        let alone = namespace.is_none() && link.is_none();
        Ok(Self {
            boot: BootId::current()?,
            namespace,
            peer: netns.filter(|_| alone).and_then(peer),
            link: link.map(host_end).transpose()?,
        })
    }
}

/// Judges proofs. What it has to find out about the machine and about itself, it finds out once.
#[derive(Default)]
pub struct Witness {
    boot: OnceCell<Option<BootId>>,
    user: OnceCell<Option<NamespaceHandle>>,
    host: OnceCell<Option<NetworkIdentity>>,
    sees: OnceCell<bool>,
}

impl Witness {
    /// Is the container alive? `record` is the file that holds the proof: whoever attaches the container keeps it
    /// locked (`flock(2)`) until its link stands, and so long a missing link proves nothing.
    ///
    /// The first death may put the calling thread into a new UTS namespace (the control experiment).
    pub fn life(&self, proof: &Proof, record: &File) -> Life {
        let Some(boot) = self.boot.get_or_init(|| BootId::current().ok()) else { return Life::Unknown };
        if *boot != proof.boot {
            return Life::Dead;
        }
        let evidence: [&dyn Fn() -> Option<Life>; 3] = [
            &|| proof.namespace.as_ref().map(|seen| self.namespace(seen)),
            &|| proof.peer.as_ref().map(|peer| self.peer(peer)),
            &|| proof.link.as_ref().map(|end| self.link(end, record)),
        ];
        let mut told = evidence.iter().filter_map(|ask| ask());
        told.find(|life| *life != Life::Unknown).unwrap_or(Life::Unknown)
    }

    fn namespace(&self, seen: &Sighting) -> Life {
        match seen.network.open() {
            Ok(_) => Life::Alive,
            Err(error) if is_stale(&error) && self.same_user(&seen.user) && self.sees() => Life::Dead,
            Err(_) => Life::Unknown,
        }
    }

    fn same_user(&self, user: &NamespaceHandle) -> bool {
        self.user.get_or_init(|| NamespaceHandle::of(Path::new(OWN_USER)).ok()).as_ref() == Some(user)
    }

    fn sees(&self) -> bool {
        *self.sees.get_or_init(|| sees_foreign_namespaces().unwrap_or(false))
    }

    fn is_in(&self, host: NetworkIdentity) -> bool {
        *self.host.get_or_init(|| NetworkIdentity::current().ok()) == Some(host)
    }

    fn peer(&self, peer: &Peer) -> Life {
        if !self.is_in(peer.host) {
            return Life::Unknown;
        }
        match peer.id.is_given() {
            Ok(true) => Life::Alive,
            Ok(false) => Life::Dead,
            Err(_) => Life::Unknown,
        }
    }

    fn link(&self, end: &HostEnd, record: &File) -> Life {
        if !self.is_in(end.host) {
            return Life::Unknown;
        }
        match link_exists(&end.name) {
            Ok(true) => Life::Alive,
            Ok(false) => unless_attaching(record, end),
            Err(_) => Life::Unknown,
        }
    }
}

/// The link is missing: it may not be made yet. Whoever makes it lets go of the record only after that, so the
/// lock is asked for first and the link looked for once more.
fn unless_attaching(record: &File, end: &HostEnd) -> Life {
    match record.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Life::Alive,
        Err(TryLockError::Error(_)) => Life::Unknown,
        Ok(()) => {
            let again = link_exists(&end.name);
            let unlocked = record.unlock();
            match (again, unlocked) {
                (Ok(true), _) => Life::Alive,
                (Ok(false), Ok(())) => Life::Dead,
                _ => Life::Unknown,
            }
        }
    }
}

fn is_stale(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ESTALE)
}

/// The control experiment: leaves a UTS namespace that it keeps alive, and tries to open it by its handle.
fn sees_foreign_namespaces() -> io::Result<bool> {
    let alive = File::open(OWN_UTS)?;
    let handle = NamespaceHandle::of(Path::new(OWN_UTS))?;
    unshare(CloneFlags::CLONE_NEWUTS)?;
    let sees = handle.open().is_ok();
    drop(alive);
    Ok(sees)
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "boot {}", self.boot)?;
        if let Some(Sighting { network, user }) = &self.namespace {
            writeln!(f, "namespace {network}\nuser {user}")?;
        }
        if let Some(Peer { host, id }) = &self.peer {
            writeln!(f, "peer {id} {host}")?;
        }
        if let Some(HostEnd { host, name }) = &self.link {
            writeln!(f, "host {host}\nlink {name}")?;
        }
        Ok(())
    }
}

impl FromStr for Proof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, ProofError> {
        let (mut boot, mut network, mut user, mut peer) = (None, None, None, None);
        let (mut host, mut link) = (None, None);
        for line in text.lines() {
            let invalid = || ProofError::Line(line.to_owned());
            let (key, value) = line.split_once(' ').ok_or_else(invalid)?;
            match key {
                "boot" => boot = Some(value.parse().map_err(|_| invalid())?),
                "namespace" => network = Some(value.parse().map_err(|_| invalid())?),
                "user" => user = Some(value.parse().map_err(|_| invalid())?),
                "peer" => peer = Some(parse_peer(value).ok_or_else(invalid)?),
                "host" => host = Some(value.parse().map_err(|_| invalid())?),
                "link" => link = Some(value.parse().map_err(|_| invalid())?),
                _ => return Err(invalid()),
            }
        }
        Ok(Self {
            boot: boot.ok_or(ProofError::Missing("boot"))?,
            namespace: network.zip(user).map(|(network, user)| Sighting { network, user }),
            peer,
            link: host.zip(link).map(|(host, name)| HostEnd { host, name }),
        })
    }
}

/// `ID HOST`.
fn parse_peer(text: &str) -> Option<Peer> {
    let (id, host) = text.split_once(' ')?;
    Some(Peer { id: id.parse().ok()?, host: host.parse().ok()? })
}
