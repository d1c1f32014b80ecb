//! What `bandwidth` asks of the host beside its plan: where a container's traffic passes, and what shapings are left of
//! attachments without a record.

use netstate::{Attachment, LinkName, Shaping};
use sha2::{Digest, Sha512};

use crate::adjustment::shaping::amiss_of_reference;
use crate::error::{Context, Error};
use crate::link::{self, Seen};
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::{alias, traffic};

impl Host {
    /// The end on the host of a veth pair whose other end is this link of the container: none where the link is no veth
    /// end, or its other end is not on the host.
    ///
    /// # Errors
    /// Where the namespace can't be entered, or the kernel refuses.
    pub fn host_end(&mut self, container: &Namespace, name: &LinkName) -> Result<Option<Seen>, Error> {
        let Some(inner) = self.find_in(container, name)?.filter(|inner| inner.is_kind("veth")) else {
            return Ok(None);
        };
        let Some(index) = inner.peer else { return Ok(None) };
        // An index is another link's in another namespace.
        let outer = link::by_index(&mut self.route, index).context("find link", &index)?;
        Ok(outer.filter(|outer| outer.is_kind("veth") && outer.peer == Some(inner.index)))
    }

    /// Which of these shapings the reference plugin has not made either, in words.
    ///
    /// # Errors
    /// Where the kernel can't be read.
    pub fn missing_reference_shapings(&mut self, wanted: &[Shaping]) -> Result<Vec<String>, Error> {
        let mut missing = Vec::new();
        for shaping in wanted {
            let found = amiss_of_reference(&mut self.route, shaping).context("read", shaping)?;
            missing.extend(found.map(|found| format!("{shaping}: {found}")));
        }
        Ok(missing)
    }

    /// Removes the device of an attachment that has no record, ours or the reference's, and what redirects to ours.
    ///
    /// # Errors
    /// The kernel's refusal; a device that is not there is gone already.
    pub fn remove_unrecorded_device(&mut self, owner: &Attachment) -> Result<(), Error> {
        let name = Shaping::device(owner);
        let ours = self.find(&name)?.filter(|seen| seen.is_kind("ifb"));
        // Of another network since: this DEL comes late.
        let ours = ours.filter(|seen| alias::queue_owner(seen).is_none_or(|marked| marked == *owner));
        if ours.is_some() {
            self.free(&owner.host_link())?;
            self.remove_link(&name)?;
        }
        let name = reference_device(owner);
        match self.find(&name)?.filter(|seen| seen.is_kind("ifb")) {
            Some(_) => self.remove_link(&name),
            None => Ok(()),
        }
    }

    /// Removes the devices that bear the network's mark, but not those of the attachments `kept`.
    pub fn remove_stray_devices(&mut self, network: &str, kept: &[Attachment]) -> Vec<Error> {
        let links = match traffic::devices(&mut self.route).context("read", &"the links") {
            Ok(links) => links,
            Err(error) => return vec![error],
        };
        let owners = links.iter().filter_map(alias::queue_owner);
        let strays = owners.filter(|owner| owner.network == network && !kept.contains(owner));
        strays.filter_map(|owner| self.remove_unrecorded_device(&owner).err()).collect()
    }

    /// Nothing of a host end waits any longer.
    fn free(&mut self, name: &LinkName) -> Result<(), Error> {
        let Some(link) = self.find(name)? else { return Ok(()) };
        for handle in [traffic::INGRESS, traffic::ROOT] {
            let request = traffic::remove(link.index, handle);
            traffic::removed(self.route.request(request).map(drop)).context("free", name)?;
        }
        Ok(())
    }
}

/// The reference's device: `utils.MustFormatHashWithPrefix`. The interface is not part of it.
///
/// # Panics
/// Never: 15 bytes of `[a-z0-9]` are a valid name.
fn reference_device(Attachment { network, container, .. }: &Attachment) -> LinkName {
    let hash = format!("{:x}", Sha512::digest(format!("{network}{container}")));
    LinkName::new(&format!("bwp{}", &hash[..12])).expect("bwp and 12 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_has_the_name_that_the_reference_gives_it() {
        let attachment = |network: &str, container: &str| Attachment {
            network: network.to_owned(),
            container: container.to_owned(),
            ifname: "eth0".to_owned(),
        };
        // FormatChainName("test", "1234") is CNI- and the same digits.
        assert_eq!(reference_device(&attachment("test", "1234")).as_str(), "bwp2bbe0c48b91a");
    }
}
