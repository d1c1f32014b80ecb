//! What `bandwidth` asks of the host beside its plan: where a container's traffic passes, and what shapings are left of
//! attachments without a record.

use netstate::{Attachment, LinkName, Shaping};
use sha2::{Digest, Sha512};

use crate::adjustment::shaping::amiss_of_reference;
use crate::alias;
use crate::error::{Context, Error};
use crate::link::{self, Seen};
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::netlink::Refusal;
use crate::traffic::{self, Bucket, Verdict};

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

    /// Removes the devices that bear the network's mark, but not those of the attachments `kept`; and those of the
    /// reference's that nothing leads to any more, whatever their network: their names don't tell.
    pub fn remove_stray_devices(&mut self, network: &str, kept: &[Attachment]) -> Vec<Error> {
        let links = match traffic::devices(&mut self.route).context("read", &"the links") {
            Ok(links) => links,
            Err(error) => return vec![error],
        };
        let owners = links.iter().filter_map(alias::queue_owner);
        let strays = owners.filter(|owner| owner.network == network && !kept.contains(owner));
        let mut errors: Vec<Error> =
            strays.filter_map(|owner| self.remove_unrecorded_device(&owner).err()).collect();
        match self.idle_reference_devices(&links).context("read", &"the devices") {
            Ok(idle) => errors.extend(idle.iter().filter_map(|name| self.remove_link(name).err())),
            Err(error) => errors.push(error),
        }
        errors
    }

    /// Those of the reference's among the devices whose host end has gone with its container. The limit is the last that
    /// its ADD makes, after what redirects to the device: one that has a limit and that nothing redirects to is nobody's.
    fn idle_reference_devices(&mut self, devices: &[Seen]) -> Result<Vec<LinkName>, Refusal> {
        let mut idle = Vec::new();
        for device in devices.iter().filter(|device| device.alias.is_none() && is_of_reference(&device.name))
        {
            let limit = traffic::at_root(&mut self.route, device.index)?;
            if limit.as_ref().and_then(Bucket::read).is_some() {
                idle.push(device);
            }
        }
        if idle.is_empty() {
            return Ok(Vec::new());
        }
        for end in link::all(&mut self.route)?.iter().filter(|link| link.is_kind("veth")) {
            let filters = traffic::filters(&mut self.route, end.index, traffic::INGRESS)?;
            idle.retain(|device| {
                !filters.iter().any(|filter| filter.verdict() == Verdict::Redirect(device.index))
            });
        }
        Ok(idle.iter().filter_map(|device| device.name.parse().ok()).collect())
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

/// Has it the form of the name of a device of the reference's?
fn is_of_reference(name: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    name.strip_prefix("bwp").is_some_and(|digits| digits.len() == 12 && digits.bytes().all(digit))
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
