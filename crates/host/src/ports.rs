//! Mapped ports on the machine: the packet rules, and what goes with them. Flows of UDP that the kernel remembers would
//! go on where the port led before; and a link carries packets from 127.0.0.0/8 only where it is told to.

pub(crate) mod chains;
mod claims;

use std::net::IpAddr;

use netstate::{Attachment, Family, PortMapping, Ports, Sysctl, Transport};

use crate::conntrack::{Flow, forget_udp};
use crate::error::{Context, Error};
use crate::link;
use crate::machine::Host;
use crate::nftables::{Owner, reference};
use crate::record::{Keeper, Records};
use crate::sysctl;
use crate::toward::{Toward, toward};

use claims::{claim, heirs};

impl Host {
    /// Maps ports that nobody living holds.
    ///
    /// # Errors
    /// [`crate::nftables::Error::PortTaken`], which says who holds one; and what the kernel says.
    pub(crate) fn map_ports(&mut self, ports: &Ports) -> Result<(), Error> {
        let records = Records::of(Keeper::Portmap)?;
        self.nftables.add_ports(ports, &mut |holder| claim(&records, holder, &ports.owner))?;
        // Where iptables' chains map one, too, packets meet theirs first: nothing is led astray meanwhile.
        self.claim_in_iptables(ports, &records)?;
        self.let_loopback_through(ports)?;
        self.forget_flows(ports)
    }

    /// Brings flushed ports back; one that another got meanwhile stays with it.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn restore_ports(&mut self, ports: &Ports) -> Result<(), Error> {
        let records = Records::of(Keeper::Portmap)?;
        match self.nftables.add_ports(ports, &mut |holder| claims::standing(&records, holder, &ports.owner)) {
            Err(crate::nftables::Error::PortTaken { .. }) => Ok(()),
            done => Ok(done?),
        }
    }

    /// What is missing of mapped ports, in words.
    ///
    /// # Errors
    /// Where the kernel can't be read.
    pub(crate) fn missing_ports(&mut self, ports: &Ports) -> Result<Vec<String>, Error> {
        let records = Records::of(Keeper::Portmap)?;
        let mut missing =
            self.nftables.missing_ports(ports, &mut |holder| claim(&records, holder, &ports.owner))?;
        missing.extend(self.missing_loopback_setting(ports)?);
        Ok(missing)
    }

    /// Removes mapped ports, and the flows that still use them.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn unmap_ports(&mut self, ports: &Ports) -> Result<(), Error> {
        let records = Records::of(Keeper::Portmap)?;
        self.nftables.remove_ports(ports, &mut |leaving| heirs(&records, leaving))?;
        forget_mapped(ports)
    }

    /// Can ports be mapped on this machine?
    ///
    /// # Errors
    /// [`crate::nftables::Error::Unsupported`] where they can't; or what keeps us from asking.
    pub fn require_nftables(&mut self) -> Result<(), Error> {
        Ok(self.nftables.require()?)
    }

    /// Which of these ports the reference's portmap does not lead to the container, in words; nothing where it made
    /// nothing for the attachment.
    ///
    /// # Errors
    /// Where the packet rules can't be read.
    pub fn missing_reference_ports(&mut self, ports: &Ports) -> Result<Option<Vec<String>>, Error> {
        reference::ports::missing(&mut self.nftables, ports)
    }

    /// Removes the ports of an attachment that has no record: what bears its mark, and what the reference made for it.
    /// `addresses` are the container's, as far as they are known.
    pub fn remove_unrecorded_ports(&mut self, owner: &Attachment, addresses: &[IpAddr]) -> Vec<Error> {
        let marked = self.remove_marked_ports(|holder| holder.is(owner) && holder.is_on(&owner.network));
        let chained = self.unmap_chain(owner);
        let foreign = reference::ports::remove(&mut self.nftables, owner, addresses);
        [marked, chained, foreign].into_iter().filter_map(Result::err).collect()
    }

    /// Removes the ports of every attachment of the network that is not among those `kept`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn remove_stray_ports(&mut self, network: &str, kept: &[Attachment]) -> Result<(), Error> {
        let stray =
            |holder: &Owner| holder.is_on(network) && !kept.iter().any(|attachment| holder.is(attachment));
        self.remove_marked_ports(stray)?;
        self.remove_marked_chains(stray)
    }

    fn remove_marked_ports(&mut self, which: impl Fn(&Owner) -> bool) -> Result<(), Error> {
        let mut ports = self.nftables.owned_ports()?;
        ports.retain(|port| which(&port.owner));
        let records = Records::of(Keeper::Portmap)?;
        Ok(self.nftables.delete_ports(&ports, &mut |leaving| heirs(&records, leaving))?)
    }

    /// Forgets flows to the ports that go elsewhere. One that goes to an address which is not the node's own only passes
    /// by.
    fn forget_flows(&mut self, ports: &Ports) -> Result<(), Error> {
        for family in families(ports) {
            let mut failed = Ok(());
            forget_udp(family, |flow| {
                let Some(mapping) = mapping_of(ports, flow) else { return false };
                if mapping.target(flow.sent_to.port()) == Some(flow.answered_by) {
                    return false;
                }
                let address = flow.sent_to.ip();
                match toward(&mut self.route, address).context("look for the way to", &address) {
                    Ok(way) => way == Toward::Here,
                    Err(error) => {
                        failed = Err(error);
                        false
                    }
                }
            })?;
            failed?;
        }
        Ok(())
    }

    /// What the node sends itself by 127.0.0.1 reaches the container.
    fn let_loopback_through(&mut self, ports: &Ports) -> Result<(), Error> {
        match self.loopback_setting(ports)? {
            Some(setting) => sysctl::ensure(&setting),
            None => Ok(()),
        }
    }

    /// What of that is missing, in words.
    fn missing_loopback_setting(&mut self, ports: &Ports) -> Result<Option<String>, Error> {
        let Some(setting) = self.loopback_setting(ports)? else { return Ok(None) };
        let found = sysctl::read(&setting.path)?;
        Ok((found.as_deref() != Some(&setting.value)).then(|| setting.to_string()))
    }

    /// The setting of the link that leads to the container, where a port of 127.0.0.1 does.
    fn loopback_setting(&mut self, ports: &Ports) -> Result<Option<Sysctl>, Error> {
        let Some(to) = ports.from_loopback() else { return Ok(None) };
        let Toward::Link(index) = toward(&mut self.route, to).context("look for the way to", &to)? else {
            return Ok(None);
        };
        let seen = link::by_index(&mut self.route, index).context("find link", &index)?;
        Ok(seen.map(|seen| Sysctl {
            path: format!("net/ipv4/conf/{}/route_localnet", seen.name),
            value: "1".to_owned(),
            optional: false,
        }))
    }
}

/// Forgets the flows that came by these ports.
///
/// # Errors
/// Where the kernel's table can't be read or changed.
pub(crate) fn forget_mapped(ports: &Ports) -> Result<(), Error> {
    for family in families(ports) {
        forget_udp(family, |flow| {
            mapping_of(ports, flow).is_some_and(|mapping| flow.answered_by.ip() == mapping.to.ip())
        })?;
    }
    Ok(())
}

/// The families of UDP ports.
fn families(ports: &Ports) -> Vec<Family> {
    let udp = |family: &Family| {
        let is = |mapping: &&PortMapping| {
            mapping.from.family == *family && mapping.from.protocol == Transport::Udp
        };
        ports.mappings.iter().any(|mapping| is(&mapping))
    };
    Family::ALL.into_iter().filter(udp).collect()
}

/// The mapping that a flow of UDP came by, or should have.
fn mapping_of<'a>(ports: &'a Ports, flow: &Flow) -> Option<&'a PortMapping> {
    ports.mappings.iter().find(|PortMapping { from, .. }| {
        from.protocol == Transport::Udp
            && from.family == Family::of(flow.sent_to.ip())
            && from.ports.contains(flow.sent_to.port())
            && from.address.is_none_or(|address| address == flow.sent_to.ip())
    })
}
