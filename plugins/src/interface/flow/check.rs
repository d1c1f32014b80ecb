//! CHECK (section "CHECK"): the plan of what ADD printed, against the kernel.

use cni::{Code, Coded, Failure, Interface, Request, Success};
use host::{Host, Namespace};
use netstate::{Attachment, LinkName, Plan};

use super::attaching::interface;
use super::{Ends, Moment, Policy, Shape, Site, Wanted};
use crate::call::{netns, owner};
use crate::failure;
use crate::ipam::Ipam;

/// A CHECK that can't be made, or that found something.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error("prevResult: required, but missing")]
    NoPrevResult,
    #[error("prevResult: no interface {name} in {sandbox}")]
    NoInterface { name: LinkName, sandbox: String },
    #[error("prevResult: no interface of the host belongs to {0}")]
    NoHostEnd(LinkName),
    #[error("the attachment is not as ADD made it: {0}")]
    Different(String),
}

impl Coded for CheckError {
    fn code(&self) -> Code {
        match self {
            Self::NoPrevResult | Self::NoInterface { .. } | Self::NoHostEnd(_) => Code::InvalidConfig,
            Self::Different(_) => Code::Internal,
        }
    }
}

/// CHECK.
pub(super) fn check<P: Policy>(request: &Request) -> Result<(), Failure> {
    let conf = P::parse(request)?;
    if let Some(ipam) = Ipam::of(request)? {
        ipam.check(request)?;
    }
    let owner = owner(request);
    let told = request.config.prev_result()?.ok_or(CheckError::NoPrevResult)?;
    let result = ::ipam::dhcp::as_leased(&owner, told)?;
    let container = Namespace::open(netns(request)?).map_err(failure::of)?;
    let ends = ends(request, &owner, (&result, P::SHAPE))?;
    let mut host = Host::open().map_err(failure::of)?;
    let mut site = Site { request, host: &mut host, container: Some(&container), moment: Moment::After };
    let ground = P::ground(&conf, &mut site)?;
    let sandbox = container.path().display().to_string();
    let wanted = Wanted { owner: owner.clone(), ends, sandbox, result: &result };
    let whole = P::plan(&conf, &ground, &wanted);
    let foreign = wanted.ends.host != owner.host_link();
    let plan = if foreign { without_rules(&whole) } else { whole.clone() };
    let differences = host.compare(&plan, Some(&container)).map_err(failure::of)?;
    let mut found: Vec<String> = differences.iter().map(ToString::to_string).collect();
    if foreign && !P::rules(&conf).is_empty() {
        found.extend(host.missing_reference_rules(&whole).map_err(failure::of)?);
    }
    if found.is_empty() { Ok(()) } else { Err(CheckError::Different(found.join("; ")).into()) }
}

/// The two ends as the result names them. The reference's have random names and MACs.
fn ends(request: &Request, owner: &Attachment, (result, shape): (&Success, Shape)) -> Result<Ends, Failure> {
    let link = interface(request)?;
    let own = owner.host_link();
    let inner =
        result.interfaces.iter().find(|found| found.name == link.as_str() && !found.sandbox.is_empty());
    let on_host = || result.interfaces.iter().filter(|found| found.sandbox.is_empty());
    let outer = on_host()
        .find(|found| found.name == own.as_str())
        .or_else(|| on_host().find(|found| found.name.starts_with("veth")));
    let sandbox = netns(request)?.display().to_string();
    // The reference reports no interface for a device that a program drives.
    let none = Interface::default();
    let inner = match inner {
        None if shape == Shape::Lent && result.interfaces.is_empty() => &none,
        inner => inner.ok_or(CheckError::NoInterface { name: link.clone(), sandbox })?,
    };
    let mac = |found: &Interface, own| found.mac.parse().unwrap_or(own);
    let (host, host_mac) = match shape {
        Shape::Pair => {
            let outer = outer.ok_or(CheckError::NoHostEnd(link.clone()))?;
            let name = outer.name.parse().map_err(|_| CheckError::NoHostEnd(link.clone()))?;
            (name, mac(outer, owner.host_mac()))
        }
        Shape::Inside | Shape::Lent => (own, owner.host_mac()),
    };
    Ok(Ends { host, host_mac, container_mac: mac(inner, owner.container_mac()), container: link })
}

/// The plan less its packet rules, which the reference keeps in tables of its own.
fn without_rules(plan: &Plan) -> Plan {
    plan.steps().iter().filter(|step| !step.object.is_rule()).cloned().collect()
}
