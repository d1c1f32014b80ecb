//! `bandwidth`: how much a container may receive and send. The limits are at the host end of its veth pair.

mod conf;

use cni::{Code, Coded, Failure, Interface, Request, Success, Version};
use host::Host;
use host::record::Keeper;
use netstate::{Adjustment, Attachment, Direction, Limit, LinkName, Object, Plan, Shaping};

use self::conf::{Asked, Conf};
use super::flow::{Leaving, Machine, Policy, Wanted};
use crate::failure::of;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bandwidth;

/// The host end of the container's link.
pub(crate) struct HostEnd {
    name: LinkName,
    /// Its longest frame, in bytes.
    frame: u32,
}

/// An Ethernet header with two VLAN tags, in bytes.
const HEADER: u32 = 14 + 2 * 4;

/// A link that can't be limited.
#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error("prevResult: no interfaces provided")]
    NoInterfaces,
    #[error("CNI_IFNAME: the container's interface {0} has no veth peer on the host")]
    NoPeer(LinkName),
    #[error("prevResult: no interface of the host is {0}, the veth peer of the container's {1}")]
    NotReported(String, LinkName),
}

impl Coded for LinkError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

impl Policy for Bandwidth {
    const NAME: &'static str = "bandwidth";
    const KEEPER: Keeper = Keeper::Bandwidth;
    type Conf = Conf;
    type Seen = HostEnd;

    /// Results name interfaces from 0.3.0 on.
    fn versions() -> &'static [Version] {
        &Version::ALL[2..]
    }

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn is_idle(conf: &Conf) -> bool {
        conf.ingress.is_none() && conf.egress.is_none()
    }

    fn look(_: &Conf, wanted: &Wanted, machine: &mut Machine) -> Result<HostEnd, Failure> {
        let reported = &wanted.result.interfaces;
        if reported.is_empty() {
            return Err(LinkError::NoInterfaces.into());
        }
        let end = machine.host.host_end(machine.container, &wanted.link).map_err(of)?;
        let end = end.ok_or_else(|| LinkError::NoPeer(wanted.link.clone()))?;
        let on_host = |found: &Interface| found.sandbox.is_empty() && found.name == end.name;
        match end.name.parse() {
            Ok(name) if reported.iter().any(on_host) => Ok(HostEnd { name, frame: end.mtu + HEADER }),
            _ => Err(LinkError::NotReported(end.name, wanted.link.clone()).into()),
        }
    }

    fn plan(conf: &Conf, wanted: &Wanted, seen: &HostEnd) -> Result<Plan, Failure> {
        let mut plan = Plan::default();
        for shaping in shapings(conf, wanted, seen) {
            plan.host(Object::Adjustment(Adjustment::Shaping(shaping)));
        }
        Ok(plan)
    }

    /// prevResult and, as the reference has it, the device that egress waits at.
    fn result(conf: &Conf, wanted: &Wanted) -> Success {
        let mut result = wanted.result.clone();
        let name = Shaping::device(&wanted.owner).to_string();
        if conf.egress.is_some() && !result.interfaces.iter().any(|found| found.name == name) {
            let mac = Shaping::device_mac(&wanted.owner).to_string();
            result.interfaces.push(Interface { name, mac, ..Interface::default() });
        }
        result
    }

    fn compare_unrecorded(
        conf: &Conf,
        wanted: &Wanted,
        machine: &mut Machine,
    ) -> Result<Option<Vec<String>>, Failure> {
        let seen = Self::look(conf, wanted, machine)?;
        let shapings: Vec<Shaping> = shapings(conf, wanted, &seen).collect();
        machine.host.missing_reference_shapings(&shapings).map(Some).map_err(of)
    }

    fn remove_unrecorded(leaving: &Leaving, host: &mut Host) -> Vec<Failure> {
        host.remove_unrecorded_device(&leaving.owner).map_err(of).err().into_iter().collect()
    }

    fn remove_strays(request: &Request, host: &mut Host, kept: &[Attachment]) -> Vec<Failure> {
        host.remove_stray_devices(&request.config.name, kept).into_iter().map(of).collect()
    }
}

fn shapings<'a>(conf: &'a Conf, wanted: &'a Wanted, seen: &'a HostEnd) -> impl Iterator<Item = Shaping> + 'a {
    let asked = [(Direction::Ingress, conf.ingress), (Direction::Egress, conf.egress)];
    asked.into_iter().filter_map(|(direction, asked)| {
        let Asked { rate, burst } = asked?;
        Some(Shaping {
            link: seen.name.clone(),
            direction,
            limit: Limit::new(rate, burst, seen.frame),
            traffic: conf.traffic.clone(),
            owner: wanted.owner.clone(),
        })
    })
}
