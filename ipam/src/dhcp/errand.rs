//! One attachment's talk with servers: on which link, as whom, and how patiently.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use host::{Applied, Host, Namespace};
use netstate::{Attachment, LinkName, Mac, Object, Plan, Sysctl};

use super::config::{Protocol, Wish};
use super::error::LeaseError;
use super::lease::Lease;
use super::patience::Patience;
use super::{option, slaac, v4, v6};

/// How often it is looked whether the attachment is being released.
pub(super) const SLICE: Duration = Duration::from_millis(100);

/// The longest client identifier without the byte before it, in bytes (RFC 2132, 9.14).
const LONGEST: usize = 254;

/// In seconds since the machine started.
///
/// # Errors
/// Where the kernel does not say.
pub(super) fn clock() -> Result<u64, LeaseError> {
    let failed = |source| LeaseError::Io { verb: "read", what: "the clock", source };
    host::boot::uptime().map_err(failed)
}

/// How the daemon was told to speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) patience: Patience,
    /// Answers are to be broadcast.
    pub(super) broadcast: bool,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The lease's own server.
    Own,
    /// Whoever hears it.
    Any,
}

/// A link to speak on.
pub(super) struct Errand<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) link: LinkName,
    /// Its index in the container.
    pub(super) index: u32,
    pub(super) mac: Mac,
    pub(super) client: Client<'a>,
    pub(super) manner: Manner,
    /// The attachment is being released.
    pub(super) stop: &'a AtomicBool,
}

/// As whom.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    pub(super) owner: &'a Attachment,
    pub(super) wish: &'a Wish,
}

impl Client<'_> {
    /// Option 61: the configured one, or the reference's, which names the attachment.
    pub(super) fn identifier(&self) -> Vec<u8> {
        let configured = self.wish.provide.iter().find(|(number, _)| *number == option::CLIENT_IDENTIFIER);
        configured.map_or_else(
            || {
                let Attachment { network, container, ifname } = self.owner;
                let name = format!("{container}/{network}/{ifname}");
                // Its first byte is its type: 0 is none of those of hardware.
                [0].into_iter().chain(name.into_bytes().into_iter().take(LONGEST)).collect()
            },
            |(_, value)| value.clone(),
        )
    }
}

impl<'a> Errand<'a> {
    /// Finds the attachment's link in its container, and sets it up where it is down.
    ///
    /// # Errors
    /// Where there is none, or it has no MAC.
    pub(super) fn new(
        namespace: &'a Namespace,
        client: Client<'a>,
        manner: Manner,
        stop: &'a AtomicBool,
    ) -> Result<Self, LeaseError> {
        let no_link = || LeaseError::NoLink(client.owner.ifname.clone());
        let link: LinkName = client.owner.ifname.parse().map_err(|_| no_link())?;
        let mut host = Host::open()?;
        let seen = host.find_in(namespace, &link)?.ok_or_else(no_link)?;
        let mac = seen.mac.ok_or_else(|| LeaseError::NoMac(link.to_string()))?;
        if !seen.is_up() {
            let mut plan = Plan::default();
            plan.container(Object::Up(link.clone()));
            host.apply(&plan, Some(namespace), &mut Applied::default())?;
        }
        // Links of ipvlan share their MAC, and get no frame for an address that they don't have yet.
        let broadcast = manner.broadcast || seen.is_kind("ipvlan");
        Ok(Self {
            namespace,
            link,
            index: seen.index,
            mac,
            client,
            manner: Manner { broadcast, ..manner },
            stop,
        })
    }

    /// Asks for a lease, of the address `before` if that can be.
    ///
    /// # Errors
    /// [`LeaseError`].
    pub(super) fn obtain(&self, protocol: Protocol, before: Option<IpAddr>) -> Result<Lease, LeaseError> {
        match protocol {
            Protocol::Dhcp4 => v4::obtain(self, before),
            Protocol::Dhcp6 => self.with_ipv6().and_then(|()| v6::obtain(self, before)),
            Protocol::Slaac => self.with_ipv6().and_then(|()| slaac::obtain(self)),
        }
    }

    /// Asks for more time. None where a server says that the lease is over.
    ///
    /// # Errors
    /// [`LeaseError`].
    pub(super) fn extend(&self, lease: &Lease, reach: Reach) -> Result<Option<Lease>, LeaseError> {
        match lease.protocol {
            Protocol::Dhcp4 => v4::extend(self, lease, reach),
            Protocol::Dhcp6 => v6::extend(self, lease, reach),
            Protocol::Slaac => slaac::extend(self, lease),
        }
    }

    /// Gives a lease back.
    ///
    /// # Errors
    /// [`LeaseError`].
    pub(super) fn release(&self, lease: &Lease) -> Result<(), LeaseError> {
        match lease.protocol {
            Protocol::Dhcp4 => v4::release(self, lease),
            Protocol::Dhcp6 => v6::release(self, lease),
            // Nobody keeps a list.
            Protocol::Slaac => Ok(()),
        }
    }

    /// Runtimes switch IPv6 off where they want none by themselves.
    fn with_ipv6(&self) -> Result<(), LeaseError> {
        let mut plan = Plan::default();
        plan.container(Object::Sysctl(Sysctl {
            path: format!("net/ipv6/conf/{}/disable_ipv6", self.link),
            value: "0".to_owned(),
            optional: true,
        }));
        Ok(Host::open()?.apply(&plan, Some(self.namespace), &mut Applied::default())?)
    }

    /// Goes on as long as nobody releases the attachment.
    ///
    /// # Errors
    /// [`LeaseError::Released`].
    pub(super) fn unless_released(&self) -> Result<(), LeaseError> {
        if self.stop.load(Ordering::Relaxed) { Err(LeaseError::Released) } else { Ok(()) }
    }

    /// Does nothing for a while.
    ///
    /// # Errors
    /// [`LeaseError::Released`].
    pub(super) fn pause(&self, pause: Duration) -> Result<(), LeaseError> {
        let end = Instant::now() + pause;
        loop {
            self.unless_released()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(SLICE));
        }
    }
}
