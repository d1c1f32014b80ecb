//! Tunnels made and kept: the device, its settings, its one address.

use ipnetwork::IpNetwork;
use netlink_packet_route::RouteNetlinkMessage;
use netstate::{Detection, Fabric, Family, LinkName, Sysctl, Vxlan};

use super::device::{self, Device, Mark};
use super::object::{Object, Setting};
use super::pass::Work;
use super::report::Action;
use super::{Effect, Shape, checksum};
use crate::netlink::{Refusal, Request};
use crate::{address, link, reverse_path, sysctl};

/// The index that a device has which is only thought of: the kernel's are positive as C's `int`.
pub(super) const IMAGINED: u32 = 1 << 31;

/// Where the kernel knows no such devices, what it lacks.
fn lacking(refusal: Refusal) -> Refusal {
    if !refusal.is(libc::EOPNOTSUPP) {
        return refusal;
    }
    let reason = "the kernel lacks CONFIG_VXLAN: load its module vxlan, or use the backend host-gw";
    Refusal { reason: reason.to_owned(), ..refusal }
}

impl Work<'_> {
    /// Makes a tunnel what it should be. Returns its index; none where it can't be made.
    pub(super) fn tunnel(&mut self, wanted: &Vxlan, networks: &[IpNetwork]) -> Option<u32> {
        let device = Object::Device(wanted.name.clone());
        match self.standing(wanted) {
            Ok(Ok(seen)) => {
                self.settle(wanted, &seen, Known::Before);
                self.addresses(wanted, &seen, networks);
                Some(seen.index)
            }
            Ok(Err(action)) if self.effect == Effect::Look => {
                self.note(action, device);
                Some(IMAGINED + Family::of(wanted.address.ip()) as u32)
            }
            Ok(Err(action)) => match self.make(wanted, action) {
                Ok(made) => {
                    self.note(action, device);
                    self.settle(wanted, &made, Known::JustMade);
                    self.addresses(wanted, &made, &[]);
                    Some(made.index)
                }
                Err(refusal) => self.refuse(action, device, refusal),
            },
            Err(refusal) => self.refuse(Action::Replace, device, refusal),
        }
    }

    fn refuse(&mut self, action: Action, device: Object, refusal: Refusal) -> Option<u32> {
        self.fail(action, device, refusal);
        None
    }

    /// The device where it can be kept, else what is to be done.
    fn standing(&mut self, wanted: &Vxlan) -> Result<Result<Device, Action>, Refusal> {
        let Some(seen) = device::find(self.links, &wanted.name)? else { return Ok(Err(Action::Add)) };
        let underlay = link::find(self.links, &wanted.underlay)?;
        let same = underlay.is_some_and(|underlay| seen.can_be(wanted, underlay.index));
        Ok(if same { Ok(seen) } else { Err(Action::Replace) })
    }

    fn make(&mut self, wanted: &Vxlan, action: Action) -> Result<Device, Refusal> {
        let missing = || Refusal::from(std::io::Error::from_raw_os_error(libc::ENODEV));
        let underlay = link::find(self.links, &wanted.underlay)?.ok_or_else(missing)?;
        if action == Action::Replace {
            self.links.request(link::delete(&wanted.name))?;
        }
        self.links.request(device::create(wanted, underlay.index)).map_err(lacking)?;
        device::find(self.links, &wanted.name)?.ok_or_else(missing)
    }

    fn settle(&mut self, wanted: &Vxlan, seen: &Device, known: Known) {
        // Nobody but the kernel itself hears advertisements on a tunnel, so nothing is lost where this is refused.
        let path = format!("net/ipv6/conf/{}/accept_ra", wanted.name);
        if self.effect == Effect::Change && wanted.address.is_ipv6() {
            let _ = sysctl::ensure(&Sysctl { path, value: "0".to_owned(), optional: true });
        }
        // What nodes send through it is let in, whichever way this one takes to them: in a change of backend the two differ.
        let strict = || reverse_path::strict(&wanted.name).is_ok_and(|own| own.is_some());
        if self.effect == Effect::Change && wanted.address.is_ipv4() && strict() {
            let _ = reverse_path::loosen(&wanted.name);
        }
        let mark = if self.shape == Shape::Flannel { Mark::Nobodys } else { Mark::Ours };
        self.checksums(wanted, seen);
        for (setting, request) in seen.differences(wanted, mark) {
            let object = Object::Setting(wanted.name.clone(), setting);
            match known {
                Known::Before => self.change(Action::Replace, object, request),
                Known::JustMade => {
                    if let Err(refusal) = self.links.request(request) {
                        self.fail(Action::Replace, object, refusal);
                    }
                }
            }
        }
    }

    fn checksums(&mut self, wanted: &Vxlan, seen: &Device) {
        let Some(checksums) = seen.checksums(wanted) else { return };
        let object = Object::Setting(wanted.name.clone(), Setting::Checksums);
        let changed = match checksum::read(&wanted.name) {
            Ok(now) if now == checksums => return,
            Ok(_) if self.effect == Effect::Look => Ok(()),
            Ok(_) => checksum::write(&wanted.name, checksums),
            Err(error) => Err(error),
        };
        match changed {
            Ok(()) => self.note(Action::Replace, object),
            Err(error) => self.fail(Action::Replace, object, error.into()),
        }
    }

    /// The one address; others that are pods' go.
    fn addresses(&mut self, wanted: &Vxlan, device: &Device, networks: &[IpNetwork]) {
        let object = |network| Object::Address { link: device.index, network };
        let seen = match address::of_link(self.links, device.index, None) {
            Ok(seen) => seen,
            Err(refusal) => return self.fail(Action::Replace, object(wanted.address), refusal),
        };
        if !seen.iter().any(|seen| seen.network == wanted.address) {
            let request = address::add(device.index, wanted.address, Detection::Off);
            self.change(Action::Add, object(wanted.address), request);
        }
        for other in seen.into_iter().map(|seen| seen.network) {
            let within = networks.iter().any(|network| network.contains(other.ip()));
            if within && other != wanted.address {
                self.change(Action::Remove, object(other), address::delete(device.index, other));
            }
        }
    }

    /// Removes devices that bear our mark and that nobody wants.
    pub(super) fn strange_tunnels(&mut self, fabric: &Fabric) -> Result<(), Refusal> {
        for seen in device::all(self.links)? {
            let wanted = fabric.tunnels.iter().any(|tunnel| tunnel.name.as_str() == seen.name);
            let Ok(name) = seen.name.parse::<LinkName>() else { continue };
            if seen.is_ours() && !wanted {
                let request = link::delete(&name);
                self.change(Action::Remove, Object::Device(name), request);
            }
        }
        Ok(())
    }

    /// Sends a request, or only notes it.
    fn change(&mut self, action: Action, object: Object, request: Request<RouteNetlinkMessage>) {
        let done = match self.effect {
            Effect::Look => Ok(Vec::new()),
            Effect::Change => self.links.request(request),
        };
        match done {
            Ok(_) => self.note(action, object),
            Err(refusal) => self.fail(action, object, refusal),
        }
    }
}

/// Since when there is a device.
#[derive(Clone, Copy)]
enum Known {
    /// Each difference is a change of its own.
    Before,
    /// All of it is one change.
    JustMade,
}
