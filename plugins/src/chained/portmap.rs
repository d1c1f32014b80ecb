//! `portmap`: ports of the host that lead into the container.

mod conf;
mod mappings;
mod plan;

use cni::{Failure, Request};
use host::Host;
use host::record::Keeper;
use netstate::{Attachment, Plan};

use self::conf::Conf;
use super::flow::{Leaving, Machine, Policy, Wanted};
use crate::failure::of;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portmap;

impl Policy for Portmap {
    const NAME: &'static str = "portmap";
    const KEEPER: Keeper = Keeper::Portmap;
    type Conf = Conf;
    type Seen = ();

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn is_idle(conf: &Conf) -> bool {
        conf.mappings.is_empty()
    }

    fn look(_: &Conf, _: &Wanted, _: &mut Machine) -> Result<(), Failure> {
        Ok(())
    }

    fn plan(conf: &Conf, wanted: &Wanted, (): &()) -> Result<Plan, Failure> {
        plan::plan(conf, wanted)
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
