//! The interface that holds a VLAN's gateway address.

use netstate::{PortVlans, VlanGateway};

use super::Work;
use crate::error::{Context, Error};
use crate::link;

impl Work<'_> {
    /// It is set up last: one that is down may be what a kill left, without its VLAN. A link of that name that is
    /// somebody else's is taken as it is.
    pub(super) fn vlan_gateway(&mut self, gateway: &VlanGateway) -> Result<(), Error> {
        let found = self.find(&gateway.name)?;
        if !found.as_ref().is_some_and(link::Seen::is_up) {
            let bridge = self.index(&gateway.bridge)?;
            let port = gateway.port();
            if found.is_none() {
                let request = link::create_local_veth(&gateway.name, &port, bridge);
                match self.socket().request(request) {
                    // Another ADD was first.
                    Err(refusal) if refusal.is(libc::EEXIST) => {}
                    answer => drop(answer.context("create", gateway)?),
                }
            }
            if let Some(port) = self.find(&port)? {
                let vlans = PortVlans {
                    untagged: Some(gateway.vlan),
                    tagged: Vec::new(),
                    keep_default: gateway.keep_default,
                };
                self.vlans(port.index, &vlans, gateway)?;
            }
            self.up(&gateway.name)?;
        }
        self.applied.gateway = match found {
            Some(found) => Some(found),
            None => self.find(&gateway.name)?,
        };
        Ok(())
    }
}
