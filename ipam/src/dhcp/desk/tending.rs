//! Keeping leases: renewal, rebinding, and what follows where they are lost.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use host::life::Life;
use netstate::Attachment;

use super::super::errand::{Client, Errand, Reach, clock};
use super::super::error::{LeaseError, StoreError};
use super::super::lease::{Duty, Lease};
use super::super::log;
use super::super::store::Record;
use super::{Desk, following};

/// A thread's stack, in bytes: there may be many.
const STACK: usize = 256 * 1024;

/// What became of a lease that was looked after.
enum Kept {
    /// It is as it was.
    Same,
    /// It is another one, or has another time.
    Changed(Box<Lease>),
    /// The container's link is gone, and the lease's time is over.
    Over,
}

impl Desk {
    /// Looks after every lease that is due, each attachment in a thread of its own, and lets go of containers that are
    /// gone. Answers when something will be due next, in seconds since the machine started.
    ///
    /// # Errors
    /// Where the records can't be read.
    pub(in super::super) fn look_after(self: &Arc<Self>) -> Result<u64, StoreError> {
        let mut next = u64::MAX;
        let Ok(now) = clock() else { return Ok(next) };
        for record in self.store.all()? {
            let owner = record.owner();
            if self.life(&record)? == Life::Dead {
                log::line(&owner, "the container is gone");
                self.apart(&owner, Self::release);
                continue;
            }
            let mut due = false;
            for lease in &record.leases {
                match lease.times.duty(now) {
                    Duty::Wait(until) => next = next.min(until),
                    Duty::Renew | Duty::Rebind | Duty::Expire => due = true,
                }
            }
            if due {
                self.apart(&owner, Self::tend);
                // What comes of it is looked at soon.
                next = next.min(now + 1);
            }
        }
        Ok(next)
    }

    fn apart(self: &Arc<Self>, owner: &Attachment, work: fn(&Self, &Attachment) -> Result<(), StoreError>) {
        let (desk, whose) = (Arc::clone(self), owner.clone());
        let started = thread::Builder::new().stack_size(STACK).spawn(move || {
            if let Err(error) = work(&desk, &whose) {
                log::line(&whose, &error.to_string());
            }
        });
        if let Err(error) = started {
            log::line(owner, &format!("no thread to look after it: {error}"));
        }
    }

    /// One attachment's leases. Nothing is done where somebody is at work on it.
    fn tend(&self, owner: &Attachment) -> Result<(), StoreError> {
        let turn = self.turn(owner);
        let Ok(_work) = turn.work.try_lock() else { return Ok(()) };
        let Some(mut record) = self.store.read(owner)? else { return Ok(()) };
        let mut kept = Vec::new();
        for lease in record.leases.clone() {
            let outcome = match clock() {
                Ok(now) => self.keep(&record, &lease, now, &turn.stop),
                Err(_) => Kept::Same,
            };
            match outcome {
                Kept::Same => kept.push(lease),
                Kept::Changed(changed) => kept.push(*changed),
                Kept::Over => {}
            }
        }
        // Who released it without this daemon removed its record.
        if self.store.open(owner)?.is_none() {
            return Ok(());
        }
        record.keep(kept);
        if record.leases.is_empty() { self.store.remove(owner) } else { self.store.write(&record) }
    }

    fn keep(&self, record: &Record, lease: &Lease, now: u64, stop: &AtomicBool) -> Kept {
        let duty = lease.times.duty(now);
        let reach = match duty {
            Duty::Wait(_) => return Kept::Same,
            Duty::Renew => Reach::Own,
            Duty::Rebind | Duty::Expire => Reach::Any,
        };
        let owner = record.owner();
        let namespace = self.namespace(record);
        let client = Client { owner: &owner, wish: &record.wish };
        let errand = namespace
            .as_ref()
            .ok_or(None)
            .and_then(|namespace| Errand::new(namespace, client, self.manner, stop).map_err(Some));
        let errand = match errand {
            Ok(errand) => errand,
            Err(_) if duty == Duty::Expire => return Kept::Over,
            Err(error) => {
                let error = error.map_or_else(|| "the container is gone".to_owned(), |e| e.to_string());
                return in_vain(&owner, lease, &error);
            }
        };
        let extended = match duty {
            Duty::Expire => Ok(None),
            _ => errand.extend(lease, reach),
        };
        match extended {
            Ok(Some(new)) if new.address == lease.address => {
                if let Err(error) = following::renewed(&errand, lease, &new) {
                    log::line(&owner, &format!("the routes of {} are not changed: {error}", lease.address));
                }
                log::line(&owner, &format!("{} is extended", lease.address));
                Kept::Changed(Box::new(new))
            }
            Ok(other) => self.replace(&errand, lease, other),
            Err(LeaseError::Released) => Kept::Same,
            Err(error) => in_vain(&owner, lease, &error.to_string()),
        }
    }

    /// The lease is over: its address goes, and what comes in its place has the container's routes, rules and ports.
    fn replace(&self, errand: &Errand, lease: &Lease, given: Option<Lease>) -> Kept {
        let owner = errand.client.owner;
        log::line(owner, &format!("{} is lost", lease.address));
        let changed = following::lost(errand, lease).and_then(|()| {
            let new = match given {
                Some(new) => new,
                None => errand.obtain(lease.protocol, Some(lease.address.ip()))?,
            };
            following::replaced(errand, lease, &new, self.store.root())?;
            Ok(new)
        });
        match changed {
            Ok(new) => {
                log::line(owner, &format!("{} is leased in its place", new.address));
                Kept::Changed(Box::new(new))
            }
            Err(LeaseError::Released) => Kept::Same,
            Err(error) => {
                let mut lease = lease.clone();
                // A server said so before its time, perhaps.
                lease.times.expire = lease.times.expire.min(clock().unwrap_or(0));
                in_vain(owner, &lease, &error.to_string())
            }
        }
    }
}

fn in_vain(owner: &Attachment, lease: &Lease, error: &str) -> Kept {
    log::line(owner, &format!("{} is not extended: {error}", lease.address));
    let mut lease = lease.clone();
    lease.times.in_vain(clock().unwrap_or(lease.times.again));
    Kept::Changed(Box::new(lease))
}
