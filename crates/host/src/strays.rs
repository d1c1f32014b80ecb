//! Objects that bear our mark and of which no record tells: the records were lost. Their marks say whose they are: a
//! link's alias, the comment of a rule's element.

use std::net::IpAddr;

use netstate::{Attachment, LinkName};

use crate::alias::owner;
use crate::conntrack;
use crate::error::{Context, Error};
use crate::link::{self, Seen};
use crate::machine::Host;
use crate::nftables::Element;
use crate::remove::forget_neighbours;

impl Host {
    /// The attachments of a network whose links are there.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn linked(&mut self, network: &str) -> Result<Vec<Attachment>, Error> {
        let links = link::all(&mut self.route).context("read", &"the links")?;
        Ok(links.iter().filter_map(owner).filter(|owner| owner.network == network).collect())
    }

    /// Removes every link and packet rule of the network that belongs to none of `valid`, and what the kernel
    /// remembers of their addresses.
    pub fn remove_strays(&mut self, network: &str, valid: &[Attachment]) -> Vec<Error> {
        let (addresses, mut errors) = match self.remove_stray_rules(network, valid) {
            Ok(addresses) => (addresses, Vec::new()),
            Err(error) => (Vec::new(), vec![error]),
        };
        match self.stray_links(network, valid) {
            Ok(links) => {
                for link in links {
                    errors.extend(self.remove_stray_link(&link, &addresses).err());
                }
            }
            Err(error) => errors.push(error),
        }
        errors.extend(conntrack::forget(&addresses).err().map(Error::from));
        errors
    }

    /// A comment may have been too short for the whole name; then its key tells whose it is.
    fn remove_stray_rules(&mut self, network: &str, valid: &[Attachment]) -> Result<Vec<IpAddr>, Error> {
        let mut rules = self.nftables.owned()?;
        rules.retain(|rule| {
            rule.owner.is_on(network) && !valid.iter().any(|attachment| rule.owner.is(attachment))
        });
        self.nftables.delete(&rules)?;
        let source = |element: &Element| if let Element::Masquerade(ip) = element { Some(*ip) } else { None };
        Ok(rules.iter().filter_map(|rule| source(&rule.element)).collect())
    }

    fn stray_links(&mut self, network: &str, valid: &[Attachment]) -> Result<Vec<Seen>, Error> {
        let valid: Vec<LinkName> = valid.iter().map(Attachment::host_link).collect();
        let mut links = link::all(&mut self.route).context("read", &"the links")?;
        links.retain(|seen| {
            owner(seen).is_some_and(|owner| owner.network == network && !valid.contains(&owner.host_link()))
        });
        Ok(links)
    }

    fn remove_stray_link(&mut self, stray: &Seen, addresses: &[IpAddr]) -> Result<(), Error> {
        if let Some(owner) = owner(stray) {
            self.remove_link(&owner.host_link())?;
        }
        match stray.master {
            Some(bridge) => forget_neighbours(&mut self.route, bridge, addresses)
                .context("forget the neighbours on link", &bridge),
            None => Ok(()),
        }
    }
}
