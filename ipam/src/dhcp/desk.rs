//! What is done for attachments: leases are taken, kept and given back. The daemon does it, and a DEL or GC that finds
//! no daemon does its part by itself. What is known is on disk; here is only who works on what.

mod following;
mod tending;

use std::collections::HashMap;
use std::fs::File;
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cni::{Failure, Request, Success, ValidAttachment, ValidAttachments};
use host::life::{Life, Proof, Sighting, Witness};
use host::nsfs::NamespaceHandle;
use host::{Host, Namespace};
use netstate::{Attachment, Family};

use super::call::Caller;
use super::config::Wish;
use super::errand::{Client, Errand, Manner, clock};
use super::error::{Finding, LeaseError, StoreError};
use super::lease;
use super::store::{Record, Store};
use super::v4;

/// Whoever works for attachments.
pub(super) struct Desk {
    /// What stands before every path of the host's.
    root: PathBuf,
    pub(super) store: Store,
    manner: Manner,
    turns: Mutex<HashMap<Attachment, Arc<Turn>>>,
}

/// One attachment's: nobody works on it at once with another.
#[derive(Default)]
struct Turn {
    /// It is to be released, so whoever is at work shall end.
    stop: AtomicBool,
    work: Mutex<()>,
}

impl Turn {
    fn begin(&self) -> MutexGuard<'_, ()> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// On the host whose root is `root`.
    pub(super) fn new(root: &Path, manner: Manner) -> Self {
        Self {
            root: root.to_owned(),
            store: Store::below(if root.as_os_str().is_empty() { Path::new("/") } else { root }),
            manner,
            turns: Mutex::default(),
        }
    }

    /// ADD. An attachment that holds its leases keeps them. A caller that was killed gets none: its DEL may have come first.
    pub(super) fn add(&self, request: &Request, caller: &Caller<'_>) -> Result<Success, Failure> {
        let owner = owner(request);
        let wish = Wish::of(request)?;
        let turn = self.turn(&owner);
        let _work = turn.begin();
        if !caller.waits() {
            return Err(LeaseError::Abandoned.into());
        }
        if let Some(mut record) = self.store.read(&owner)? {
            if self.holds(&record, request, &wish)? {
                if record.tell() {
                    self.store.write(&record)?;
                }
                return Ok(lease::success(&record.leases, &wish));
            }
            self.give_back(&record)?;
        }
        let record = self.lease(request, wish, &turn.stop, &[])?;
        Ok(lease::success(&record.leases, &record.wish))
    }

    /// New leases, of the addresses `before` where that can be.
    fn lease(
        &self,
        request: &Request,
        wish: Wish,
        stop: &AtomicBool,
        before: &[IpAddr],
    ) -> Result<Record, Failure> {
        let netns = request.netns.clone().unwrap_or_default();
        let mut record = Record::new(&owner(request), &netns, wish);
        let path = self.on_host(&netns);
        let no_clock = |source| LeaseError::Io { verb: "read", what: "/proc", source };
        record.proof = Proof::of(Some(&path), None).map_err(no_clock)?.to_string();
        let namespace = Namespace::open(&path).map_err(LeaseError::from)?;
        let taken = self.take(&namespace, &mut record, stop, before);
        if taken.is_err() {
            // The failure is what the runtime has to know.
            let _ = self.give_back(&record);
        }
        taken.map(|()| record)
    }

    /// One lease for each protocol, on disk before anybody hears of it.
    fn take(
        &self,
        namespace: &Namespace,
        record: &mut Record,
        stop: &AtomicBool,
        before: &[IpAddr],
    ) -> Result<(), Failure> {
        let owner = record.owner();
        for protocol in record.wish.protocols.clone() {
            let client = Client { owner: &owner, wish: &record.wish };
            let same = before.iter().find(|address| protocol.family() == Family::of(**address));
            let errand = Errand::new(namespace, client, self.manner, stop)?;
            record.leases.push(errand.obtain(protocol, same.copied())?);
            self.store.write(record)?;
        }
        Ok(())
    }

    /// Are they leases of this very container, wanted in the same way and not over?
    fn holds(&self, record: &Record, request: &Request, wish: &Wish) -> Result<bool, Failure> {
        let same = request.netns.as_deref() == Some(&record.netns) && record.wish == *wish;
        let now = clock()?;
        let over = |lease: &lease::Lease| now >= lease.times.expire;
        let complete = record.leases.len() == wish.protocols.len() && !record.leases.iter().any(over);
        Ok(same && complete && self.life(record)? != Life::Dead)
    }

    /// DEL.
    pub(super) fn del(&self, request: &Request) -> Result<(), Failure> {
        Ok(self.release(&owner(request))?)
    }

    /// Ends whoever is at work for the attachment, forgets it and gives its leases back.
    pub(super) fn release(&self, owner: &Attachment) -> Result<(), StoreError> {
        let turn = self.turn(owner);
        turn.stop.store(true, Ordering::Relaxed);
        let _work = turn.begin();
        let record = self.store.read(owner)?;
        let released = record.map_or(Ok(()), |record| self.give_back(&record));
        // Who comes next begins anew.
        self.turns().remove(owner);
        released
    }

    /// A server that does not hear of it takes its lease back in time, so nothing but our own files can fail here.
    fn give_back(&self, record: &Record) -> Result<(), StoreError> {
        let owner = record.owner();
        self.store.remove(&owner)?;
        let client = Client { owner: &owner, wish: &record.wish };
        let never = AtomicBool::new(false);
        let namespace = self.namespace(record);
        let errand = namespace.as_ref().and_then(|ns| Errand::new(ns, client, self.manner, &never).ok());
        for lease in &record.leases {
            let sent = match &errand {
                Some(errand) => errand.release(lease),
                None => v4::release_from_here(&client, lease),
            };
            if let Err(error) = sent {
                super::log::line(&owner, &format!("{} is not released: {error}", lease.address));
            }
        }
        Ok(())
    }

    /// CHECK.
    pub(super) fn check(&self, request: &Request) -> Result<(), Failure> {
        let missing = || Finding::NoLease(request.container.clone());
        let told = request.config.prev_result()?;
        let record = match self.store.read(&owner(request))? {
            None => self.adopt(request, told.as_ref())?,
            found => found,
        };
        let record = record.filter(|record| !record.leases.is_empty()).ok_or_else(missing)?;
        let now = clock()?;
        if let Some(over) = record.leases.iter().find(|lease| now >= lease.times.expire) {
            return Err(Finding::Expired(over.address.ip()).into());
        }
        let knows =
            |address| told.as_ref().is_none_or(|told| told.ips.iter().any(|ip| ip.address.ip() == address));
        match record.told().iter().map(|lease| lease.address.ip()).find(|address| !knows(*address)) {
            Some(address) => Err(Finding::Moved(address).into()),
            None => Ok(()),
        }
    }

    /// The reference's daemon kept its leases in its memory: a container that uses its address has nobody to look after
    /// it. The same client asks for the same address, and keeps it from now on.
    fn adopt(&self, request: &Request, told: Option<&Success>) -> Result<Option<Record>, Failure> {
        let owner = owner(request);
        let (Some(told), Ok(link)) = (told, owner.ifname.parse()) else { return Ok(None) };
        let path = self.on_host(request.netns.as_deref().unwrap_or(Path::new("")));
        let Some(namespace) = Namespace::open_if_there(&path) else { return Ok(None) };
        let used =
            Host::open().and_then(|host| host.addresses_in(&namespace, &link)).map_err(LeaseError::from)?;
        let before: Vec<IpAddr> =
            told.ips.iter().filter(|ip| used.contains(&ip.address)).map(|ip| ip.address.ip()).collect();
        if before.is_empty() {
            return Ok(None);
        }
        let turn = self.turn(&owner);
        let _work = turn.begin();
        let record = self.lease(request, Wish::of(request)?, &turn.stop, &before)?;
        if record.leases.iter().all(|lease| before.contains(&lease.address.ip())) {
            return Ok(Some(record));
        }
        self.give_back(&record)?;
        Ok(None)
    }

    /// GC: goes on after errors and returns the first. Where the runtime's list is `null` it names no attachment
    /// because it knows none, not because it asked; whoever is not provably dead stays then.
    pub(super) fn gc(&self, request: &Request) -> Result<(), Failure> {
        let valid = request.config.valid_attachments()?;
        let mut result = Ok(());
        for record in self.store.all()? {
            let owner = record.owner();
            let stays = owner.network != request.config.name
                || match &valid {
                    ValidAttachments::Absent => true,
                    ValidAttachments::List(list) => list.iter().any(|valid| names(valid, &owner)),
                    ValidAttachments::Null => self.life(&record)? != Life::Dead,
                };
            if !stays {
                result = result.and(self.release(&owner));
            }
        }
        Ok(result?)
    }

    /// Gives back what dead containers hold: goes on after errors and returns the first.
    pub(super) fn release_dead(&self) -> Result<(), StoreError> {
        let mut result = Ok(());
        for record in self.store.all()? {
            if self.life(&record)? == Life::Dead {
                result = result.and(self.release(&record.owner()));
            }
        }
        result
    }

    /// Is the container of this record there?
    fn life(&self, record: &Record) -> Result<Life, StoreError> {
        let proof = record.proof.parse::<Proof>();
        let (Ok(proof), Some(file)) = (proof, self.store.open(&record.owner())?) else {
            return Ok(Life::Unknown);
        };
        Ok(Witness::default().life(&proof, &file))
    }

    /// The container's namespace, by the kernel's own name for it where it has one: another container may have its path
    /// by now.
    fn namespace(&self, record: &Record) -> Option<Namespace> {
        let path = self.on_host(&record.netns);
        let Some(Sighting { network, .. }) = record.proof.parse::<Proof>().ok()?.namespace else {
            return Namespace::open_if_there(&path);
        };
        if let Ok(file) = network.open().map(File::from) {
            return Namespace::open_if_there(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())));
        }
        // Not everybody may open a namespace by its name; but whoever sees a path may ask for the name.
        let same = NamespaceHandle::of(&path).is_ok_and(|found| found == network);
        if same { Namespace::open_if_there(&path) } else { None }
    }

    /// A path of the host's as this process sees it: the prefix is put before it, as it is.
    fn on_host(&self, path: &Path) -> PathBuf {
        let mut whole = self.root.clone().into_os_string();
        whole.push(path);
        whole.into()
    }

    fn turn(&self, owner: &Attachment) -> Arc<Turn> {
        Arc::clone(self.turns().entry(owner.clone()).or_default())
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<Attachment, Arc<Turn>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn names(valid: &ValidAttachment, owner: &Attachment) -> bool {
    valid.container == owner.container && valid.ifname == owner.ifname
}

/// Whose call it is.
fn owner(request: &Request) -> Attachment {
    Attachment {
        network: request.config.name.clone(),
        container: request.container.clone(),
        ifname: request.ifname.clone(),
    }
}
