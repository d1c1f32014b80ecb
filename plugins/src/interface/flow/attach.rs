//! ADD (section "ADD").
//!
//! ```text
//! conf      parse                        7, naming key and value
//! refuse    the container has the interface already
//! ipam      ADD                          the delegate's own error; DEL after a failure
//! plan      pure
//! record    on disk, before the first object is made
//! apply     one plan, one executor       on an error: undo, IPAM DEL
//! ```

use std::path::Path;

use cni::{Code, Failure, Request, Success};
use host::life::Proof;
use host::record::{Record, Records};
use host::{Applied, Error, Host, Namespace};
use netstate::{Attachment, LinkName, Plan};

use super::{Ends, Made, Master, Policy, Wanted, garbage, owner};
use crate::failure::of;
use crate::ipam::{Ipam, Leased};

/// ADD.
pub(super) fn add<P: Policy>(request: &Request) -> Result<Success, Failure> {
    let conf = P::parse(request)?;
    let owner = owner(request);
    let mut host = Host::open().map_err(of)?;
    let container = Namespace::open(netns(request)?).map_err(of)?;
    let link = interface(request)?;
    refuse_twice(&mut host, &container, &owner, &link)?;
    let ipam = Ipam::of(request)?;
    let lease = match &ipam {
        Some(ipam) => ipam.add(request)?,
        None => Leased::nothing(),
    };
    let attached = settle::<P>(&conf, request, lease.success.clone()).and_then(|mut result| {
        let ends = Ends::new(&owner, link, P::mac(&conf), &result);
        let uplink = host.has_uplink(P::master(&conf)).map_err(of)?;
        let sandbox = container.path().display().to_string();
        let wanted = Wanted { owner: &owner, ends, sandbox, result: &result, uplink };
        let plan = P::plan(&conf, &wanted);
        let made = make(&mut host, &plan, &owner, &container)?;
        result.interfaces = P::interfaces(&conf, &wanted, &made);
        Ok(result)
    });
    match attached {
        Ok(result) => {
            garbage::sweep_some(&mut host, &owner);
            Ok(result)
        }
        Err(failure) => {
            // The failure of the ADD is what the runtime has to know; it sends a DEL in any case.
            let _ = ipam.map(|ipam| ipam.del(request));
            Err(failure)
        }
    }
}

/// The result must be printable in the version asked for before anything is made: up to 0.2.0 it needs an address.
pub(super) fn settle<P: Policy>(
    conf: &P::Conf,
    request: &Request,
    lease: Success,
) -> Result<Success, Failure> {
    let result = P::settle(conf, lease);
    result.to_json(request.config.version)?;
    Ok(result)
}

/// Records and applies; takes everything back where that fails.
fn make(host: &mut Host, plan: &Plan, owner: &Attachment, container: &Namespace) -> Result<Made, Failure> {
    let records = Records::of_this_boot().map_err(of)?;
    let proof = Proof::of(Some(container.path()), Some(&owner.host_link()))
        .map_err(|source| of(Error::Namespace { path: container.path().to_owned(), source }))?;
    // Before the record: what is restored is other attachments', and an ADD that fails takes back only its own.
    restore_if_flushed(host, &records, plan)?;
    let held = records.write(&Record::new(owner, proof, plan)).map_err(of)?;
    let mut applied = Applied::default();
    host.apply(plan, Some(container), &mut applied).map_err(|error| {
        if host.undo(&applied, plan, owner).is_empty() {
            // A record that can't be removed is the next DEL's to find.
            let _ = records.remove(owner);
        }
        of(error)
    })?;
    drop(held);
    let gateway = applied.gateway.and_then(|gateway| gateway.mac);
    Ok(Made { master: applied.bridge.map(Master::from), mtu: applied.mtu, gateway })
}

/// Where somebody flushed the ruleset, every live attachment lost its rules: this one brings them all back.
fn restore_if_flushed(host: &mut Host, records: &Records, plan: &Plan) -> Result<(), Failure> {
    let kinds = plan.rule_kinds();
    if !kinds.is_empty() && !host.has_tables(&kinds).map_err(of)? {
        host.restore(records).map_err(of)?;
    }
    Ok(())
}

/// "If the requested interface name already exists in the container, the plugin must return an error." Found out
/// before IPAM is asked, whose lease a live container would otherwise lose to the DEL after the failure.
pub(super) fn refuse_twice(
    host: &mut Host,
    container: &Namespace,
    owner: &Attachment,
    link: &LinkName,
) -> Result<(), Failure> {
    if host.find_in(container, link).map_err(of)?.is_some() {
        return Err(of(Error::LinkExists { place: "the container", name: link.clone() }));
    }
    let end = owner.host_link();
    match host.find(&end).map_err(of)? {
        Some(_) => Err(of(Error::LinkExists { place: "the host", name: end })),
        None => Ok(()),
    }
}

/// `CNI_NETNS`, which the skeleton has made sure of.
pub(crate) fn netns(request: &Request) -> Result<&Path, Failure> {
    request.netns.as_deref().ok_or_else(|| Failure {
        code: Code::InvalidEnvironment,
        msg: "required env variables [CNI_NETNS] missing".to_owned(),
        details: String::new(),
    })
}

/// `CNI_IFNAME`.
pub(super) fn interface(request: &Request) -> Result<LinkName, Failure> {
    LinkName::new(&request.ifname).map_err(|error| Failure {
        code: Code::InvalidEnvironment,
        msg: error.to_string(),
        details: request.ifname.clone(),
    })
}
