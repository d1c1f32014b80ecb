//! What would keep a plan from being applied, as far as that shows beforehand.

use std::fs;

use netstate::{Address, Bridge, Conflict, Family, Object, Place, Plan};

use crate::address;
use crate::error::{Context, Error};
use crate::link::Seen;
use crate::machine::Host;

impl Host {
    /// Looks for what would end [`Host::apply`] early: a bridge that is none, an address in the way of a gateway's, a
    /// kernel without packet rules. Changes nothing.
    ///
    /// # Errors
    /// What apply would say, or where the kernel can't be read.
    pub fn foresee(&mut self, plan: &Plan) -> Result<(), Error> {
        for step in plan.steps().iter().filter(|step| step.place == Place::Host) {
            match &step.object {
                Object::Bridge(bridge) => self.foresee_bridge(bridge)?,
                Object::Address(address) => self.foresee_address(address)?,
                object if object.is_rule() => self.nftables.require()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The MTU, in bytes, that a bridge will have with one more port of `port` bytes: the least of its ports', unless
    /// somebody set it.
    pub fn foresee_mtu(&self, bridge: &Seen, port: u32) -> u32 {
        let mut ports = fs::read_dir(format!("/sys/class/net/{}/brif", bridge.name)).into_iter().flatten();
        if ports.next().is_some() { bridge.mtu.min(port) } else { port }
    }

    fn foresee_bridge(&mut self, bridge: &Bridge) -> Result<(), Error> {
        match self.find(&bridge.name)? {
            Some(seen) if !seen.is_kind("bridge") => Err(Error::NotABridge(bridge.name.clone())),
            _ => Ok(()),
        }
    }

    fn foresee_address(&mut self, wanted: &Address) -> Result<(), Error> {
        let Some(link) = self.find(&wanted.link)?.filter(|_| wanted.conflict == Conflict::Refuse) else {
            return Ok(());
        };
        let family = Family::of(wanted.network.ip());
        let seen = address::of_link(&mut self.route, link.index, Some(family))
            .context("read the addresses of", &wanted.link)?;
        match address::in_the_way(&seen, wanted).next() {
            Some(found) => Err(Error::AddressConflict {
                link: wanted.link.clone(),
                wanted: wanted.network,
                found: found.network,
            }),
            None => Ok(()),
        }
    }
}
