//! What each attachment owns on this node, on disk, so that DEL, GC and a restore need neither the container's
//! namespace nor the runtime's cache.
//!
//! ```text
//! /var/lib/cni/trestle/attachments/
//!     <boot id>/               containers of another boot are gone: their folder is proof enough
//!         <key>                one attachment: lines of a word and its value
//! ```
//!
//! A record is written before the first object is made and removed after the last one is gone. So whatever a kill
//! leaves behind has a record, and an attachment without a record owns nothing.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnetwork::IpNetwork;
use netstate::{Attachment, LinkName, Mac, MacGuard, Masquerade, Object, Place, Plan};

use crate::apply::rules;
use crate::boot::BootId;
use crate::error::{Context, Error};
use crate::life::{Life, Proof, Witness};

/// Our own state; upstream's lies beside it, untouched.
const DIRECTORY: &str = "/var/lib/cni/trestle/attachments";

/// How a record's file is called until it is whole: its name with this extension.
const UNFINISHED: &str = "new";

/// How often a writer begins anew whose file was cleared away.
const TRIES: u32 = 100;

/// An attachment and what it owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose.
    pub owner: Attachment,
    /// Under what its container may be declared gone.
    pub proof: Proof,
    /// The bridge that the host end is a port of.
    pub bridge: Option<LinkName>,
    /// The container's addresses.
    pub addresses: Vec<IpAddr>,
    /// The MAC of the container's end.
    pub mac: Option<Mac>,
    /// Its masquerade rules.
    pub masquerades: Vec<Masquerade>,
    /// Its MAC guards.
    pub guards: Vec<MacGuard>,
}

impl Record {
    /// The record of what a plan makes for its attachment.
    pub fn new(owner: &Attachment, proof: Proof, plan: &Plan) -> Self {
        let (masquerades, guards) = rules(plan);
        let mut record = Self {
            owner: owner.clone(),
            proof,
            bridge: None,
            addresses: Vec::new(),
            mac: None,
            masquerades,
            guards,
        };
        for step in plan.steps() {
            match (step.place, &step.object) {
                (Place::Host, Object::Veth(veth)) => {
                    record.bridge = Some(veth.port.bridge.clone());
                    record.mac = Some(veth.peer.mac);
                }
                (Place::Container, Object::Address(address)) => record.addresses.push(address.network.ip()),
                _ => {}
            }
        }
        record
    }

    fn text(&self) -> String {
        let Attachment { network, container, ifname } = &self.owner;
        let mut text = format!("network {network}\ncontainer {container}\nifname {ifname}\n");
        // Writing to a String can't fail.
        if let Some(bridge) = &self.bridge {
            let _ = writeln!(text, "bridge {bridge}");
        }
        for address in &self.addresses {
            let _ = writeln!(text, "address {address}");
        }
        if let Some(mac) = &self.mac {
            let _ = writeln!(text, "mac {mac}");
        }
        for Masquerade { source, subnet, .. } in &self.masquerades {
            let _ = writeln!(text, "masquerade {source} {subnet}");
        }
        for MacGuard { link, mac, .. } in &self.guards {
            let _ = writeln!(text, "guard {link} {mac}");
        }
        let _ = write!(text, "\n{}", self.proof);
        text
    }

    /// The attachment's lines, an empty one, and the proof's.
    fn parse(text: &str) -> Option<Self> {
        let (text, proof) = text.split_once("\n\n")?;
        let value = |word: &str| text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        let values = |word: &'static str| {
            text.lines().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '))
        };
        let owner = Attachment {
            network: value("network")?.to_owned(),
            container: value("container")?.to_owned(),
            ifname: value("ifname")?.to_owned(),
        };
        let masquerades = values("masquerade").map(|value| {
            let (source, subnet) = value.split_once(' ')?;
            Some(Masquerade {
                source: source.parse().ok()?,
                subnet: subnet.parse::<IpNetwork>().ok()?,
                owner: owner.clone(),
            })
        });
        let guards = values("guard").map(|value| {
            let (link, mac) = value.split_once(' ')?;
            Some(MacGuard { link: link.parse().ok()?, mac: mac.parse::<Mac>().ok()?, owner: owner.clone() })
        });
        Some(Self {
            masquerades: masquerades.collect::<Option<_>>()?,
            guards: guards.collect::<Option<_>>()?,
            addresses: values("address").map(|ip| ip.parse().ok()).collect::<Option<_>>()?,
            bridge: value("bridge").and_then(|name| name.parse().ok()),
            mac: value("mac").and_then(|mac| mac.parse().ok()),
            proof: proof.parse().ok()?,
            owner,
        })
    }
}

/// The records of this boot.
pub struct Records {
    directory: PathBuf,
    witness: Witness,
}

/// A record under its writer's lock: while it is held, a link that is not there yet proves nothing.
#[must_use]
pub struct Held(#[expect(dead_code, reason = "closing it ends the lock")] File);

impl Records {
    /// Finds them.
    ///
    /// # Errors
    /// Where the boot id can't be read.
    pub fn of_this_boot() -> Result<Self, Error> {
        let boot = BootId::current().context("read", &"the boot id")?;
        Ok(Self { directory: PathBuf::from(DIRECTORY).join(boot.to_string()), witness: Witness::default() })
    }

    /// Writes a record, whole or not at all, and holds it until the attachment stands.
    ///
    /// # Errors
    /// Where the disk says no.
    pub fn write(&self, record: &Record) -> Result<Held, Error> {
        let path = self.path(&record.owner);
        let mut tries = 0..TRIES;
        loop {
            match self.try_write(record, &path) {
                // Somebody took the file for a killed writer's before it was locked.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries.next().is_some() => {}
                written => return written.context("write", &path.display()),
            }
        }
    }

    fn try_write(&self, record: &Record, path: &Path) -> io::Result<Held> {
        let new = path.with_extension(UNFINISHED);
        let mut file = match File::create(&new) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.directory)?;
                File::create(&new)?
            }
            created => created?,
        };
        file.lock()?;
        file.write_all(record.text().as_bytes())?;
        fs::rename(&new, path)?;
        Ok(Held(file))
    }

    /// Removes what killed writers left: records that never got their name. One that is locked is being written.
    ///
    /// # Errors
    /// Where the disk says no.
    pub fn forget_unfinished(&self) -> Result<(), Error> {
        for name in self.names()? {
            let path = self.directory.join(name);
            if path.extension().is_none_or(|extension| extension != UNFINISHED) {
                continue;
            }
            // What can't be opened has got its name meanwhile.
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_ok() {
                unless_gone(fs::remove_file(&path)).context("remove", &path.display())?;
            }
        }
        Ok(())
    }

    /// Is the container of this record running?
    pub fn life(&self, record: &Record) -> Life {
        match File::open(self.path(&record.owner)) {
            Ok(file) => self.witness.life(&record.proof, &file),
            Err(_) => Life::Unknown,
        }
    }

    /// The record of an attachment; none where it owns nothing.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn read(&self, owner: &Attachment) -> Result<Option<Record>, Error> {
        let path = self.path(owner);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Record::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("read", &path.display()),
        }
    }

    /// Forgets an attachment.
    ///
    /// # Errors
    /// Where the disk says no; a record that is not there is forgotten already.
    pub fn remove(&self, owner: &Attachment) -> Result<(), Error> {
        let path = self.path(owner);
        for path in [path.with_extension(UNFINISHED), path] {
            unless_gone(fs::remove_file(&path)).context("remove", &path.display())?;
        }
        Ok(())
    }

    /// Every record, sorted by key.
    ///
    /// # Errors
    /// Where the disk says no.
    pub fn all(&self) -> Result<Vec<Record>, Error> {
        let mut keys = self.keys()?;
        keys.sort_unstable();
        Ok(keys.iter().filter_map(|key| self.parse(key)).collect())
    }

    /// Up to `most` records, in the order of their keys from `start` on and round the end: who looks after a few
    /// others starts anywhere, and so every one's turn comes.
    ///
    /// # Errors
    /// Where the disk says no.
    pub fn starting_at(&self, start: &str, most: usize) -> Result<Vec<Record>, Error> {
        let mut keys = self.keys()?;
        keys.sort_unstable_by_key(|key| (key.as_str() < start, key.clone()));
        Ok(keys.iter().take(most).filter_map(|key| self.parse(key)).collect())
    }

    /// Removes what other boots left: their containers, and everything that the kernel kept for them, are gone.
    ///
    /// # Errors
    /// Where the disk says no.
    pub fn forget_earlier_boots(&self) -> Result<(), Error> {
        let Some(root) = self.directory.parent() else { return Ok(()) };
        let Ok(boots) = fs::read_dir(root) else { return Ok(()) };
        for boot in boots {
            let path = boot.context("read", &root.display())?.path();
            if path != self.directory {
                fs::remove_dir_all(&path).context("remove", &path.display())?;
            }
        }
        Ok(())
    }

    fn keys(&self) -> Result<Vec<String>, Error> {
        let mut names = self.names()?;
        names.retain(|name| !name.contains('.'));
        Ok(names)
    }

    /// The names of all files.
    fn names(&self) -> Result<Vec<String>, Error> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.context("read", &self.directory.display())?,
        };
        let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
        entries.map(name).collect::<io::Result<_>>().context("read", &self.directory.display())
    }

    fn parse(&self, key: &str) -> Option<Record> {
        Record::parse(&fs::read_to_string(self.directory.join(key)).ok()?)
    }

    fn path(&self, owner: &Attachment) -> PathBuf {
        self.directory.join(owner.key())
    }
}

/// What is gone already needs no removing.
fn unless_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
