//! Looking without changing.

use std::path::Path;

use ipnetwork::IpNetwork;
use netstate::{LinkName, Plan, RuleKind};

use crate::address;
use crate::apply::rules;
use crate::error::{Context, Error};
use crate::files;
use crate::link::{self, Seen};
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::nftables::reference;

impl Host {
    /// A link of the host.
    ///
    /// # Errors
    /// The kernel's refusal; a link that is not there is none.
    pub fn find(&mut self, name: &LinkName) -> Result<Option<Seen>, Error> {
        link::find(&mut self.route, name).context("find", name)
    }

    /// A link of the container.
    ///
    /// # Errors
    /// Where the namespace can't be entered, or the kernel refuses.
    pub fn find_in(&self, container: &Namespace, name: &LinkName) -> Result<Option<Seen>, Error> {
        let mut socket = container.route()?;
        link::find(&mut socket, name).context("find", name)
    }

    /// The addresses of a link of the container, in the kernel's order.
    ///
    /// # Errors
    /// Where the namespace can't be entered, or the kernel refuses.
    pub fn addresses_in(&self, container: &Namespace, name: &LinkName) -> Result<Vec<IpNetwork>, Error> {
        let mut socket = container.route()?;
        let seen = link::find(&mut socket, name).context("find", name)?;
        let index = seen.ok_or_else(|| Error::NoLink(name.clone()))?.index;
        let addresses = address::of_link(&mut socket, index, None).context("read the addresses of", name)?;
        Ok(addresses.into_iter().map(|seen| seen.network).collect())
    }

    /// Does the bridge have a port that leads beyond the node: one that is no veth end? Ports are told by the names
    /// that sysfs lists, for a dump of every link would grow with the containers.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn has_uplink(&mut self, bridge: &LinkName) -> Result<bool, Error> {
        let ports = files::names(Path::new(&format!("/sys/class/net/{bridge}/brif")));
        for port in ports.unwrap_or_default().iter().filter(|name| !name.starts_with("veth")) {
            let Ok(name) = port.parse() else { continue };
            // A sysfs of another namespace names links that are not here.
            if self.find(&name)?.is_some_and(|port| !port.is_kind("veth")) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Sets a link of the container down.
    ///
    /// # Errors
    /// Where the namespace can't be entered, or the kernel refuses; a link that is not there is down.
    pub fn set_down_in(&self, container: &Namespace, name: &LinkName) -> Result<(), Error> {
        let mut socket = container.route()?;
        match link::find(&mut socket, name).context("find", name)? {
            Some(seen) => socket.request(link::set_down(seen.index)).context("set down", name).map(drop),
            None => Ok(()),
        }
    }

    /// Is each of our tables there that holds packet rules of these kinds?
    ///
    /// # Errors
    /// What nftables says; a kernel without it, among others.
    pub fn has_tables(&mut self, kinds: &[RuleKind]) -> Result<bool, Error> {
        Ok(self.nftables.has_tables(kinds)?)
    }

    /// Which of the plan's masquerade rules the reference plugins have not made either, in words.
    ///
    /// # Errors
    /// What nftables says.
    pub fn missing_reference_rules(&mut self, plan: &Plan) -> Result<Vec<String>, Error> {
        let (masquerades, _) = rules(plan);
        let Some(first) = masquerades.first() else { return Ok(Vec::new()) };
        let sources: Vec<_> = masquerades.iter().map(|rule| rule.source).collect();
        let there = reference::has_masquerade(&mut self.nftables, &first.owner, &sources)?;
        Ok(if there {
            Vec::new()
        } else {
            masquerades.iter().map(|rule| format!("{rule}: missing")).collect()
        })
    }
}
