//! `portmap`: ports of the host that lead into the container.

mod conf;
mod mappings;
mod plan;

use cni::{Failure, Request};
use host::Host;
use host::record::Keeper;
use netstate::{Adjustment, Attachment, LinkName, Plan};

use self::conf::Conf;
use self::plan::Services;
use super::flow::{Leaving, Machine, Policy, Wanted};
use crate::failure::of;

/// The link on which kube-proxy in its mode `ipvs` keeps the addresses of Services.
const IPVS: &str = "kube-ipvs0";

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portmap;

impl Policy for Portmap {
    const NAME: &'static str = "portmap";
    const KEEPER: Keeper = Keeper::Portmap;
    type Conf = Conf;
    type Seen = Services;

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn is_idle(conf: &Conf) -> bool {
        conf.mappings.is_empty()
    }

    /// What was mapped stays as it was mapped.
    fn look(_: &Conf, _: &Wanted, machine: &mut Machine) -> Result<Services, Failure> {
        match machine.recorded.first() {
            Some(Adjustment::PortChains(_)) => return Ok(Services::OnALink),
            Some(_) => return Ok(Services::Elsewhere),
            None => {}
        }
        let there = match LinkName::new(IPVS) {
            Ok(link) => machine.host.find(&link).map_err(of)?,
            Err(_) => None,
        };
        Ok(if there.is_some() { Services::OnALink } else { Services::Elsewhere })
    }

    fn plan(conf: &Conf, wanted: &Wanted, services: &Services) -> Result<Plan, Failure> {
        plan::plan(conf, wanted, *services)
    }

    fn status(_: &Conf, host: &mut Host) -> Result<(), Failure> {
        host.require_nftables().map_err(|error| conf::NoNftables(error).into())
    }

    fn compare_unrecorded(
        conf: &Conf,
        wanted: &Wanted,
        machine: &mut Machine,
    ) -> Result<Option<Vec<String>>, Failure> {
        let ports = plan::ports(conf, wanted)?;
        machine.host.missing_reference_ports(&ports).map_err(of)
    }

    fn remove_unrecorded(leaving: &Leaving, host: &mut Host) -> Vec<Failure> {
        let addresses = conf::addresses(leaving.request);
        host.remove_unrecorded_ports(&leaving.owner, &addresses).into_iter().map(of).collect()
    }

    fn remove_strays(request: &Request, host: &mut Host, kept: &[Attachment]) -> Vec<Failure> {
        host.remove_stray_ports(&request.config.name, kept).err().map(of).into_iter().collect()
    }
}
