//! From what IPAM gave to what the container gets: every address has a gateway, the host end.

use std::net::IpAddr;

use cni::{Code, Coded, Failure, Ip, Success};
use ipnetwork::IpNetwork;
use netstate::first_host;

use super::conf::Conf;
use crate::interface::keys;

/// The container's interface comes second in a result, after the host end.
const CONTAINER: usize = 1;

/// An address that no host end can be the gateway of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ipam: {0} has no gateway, and its network has no room for one")]
struct NoGateway(IpNetwork);

impl Coded for NoGateway {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// The lease, with every address on the container's interface. A gateway that IPAM left open is the network's first
/// address.
pub(super) fn settle(conf: &Conf, lease: Success) -> Result<Success, Failure> {
    let mut result = keys::settle(lease, CONTAINER, conf.dns.as_ref());
    for ip in &mut result.ips {
        ip.gateway = Some(gateway(ip).ok_or(NoGateway(ip.address))?);
    }
    Ok(result)
}

fn gateway(ip: &Ip) -> Option<IpAddr> {
    ip.gateway.or_else(|| first_host(ip.address)).filter(|gateway| {
        *gateway != ip.address.ip() && (ip.gateway.is_some() || ip.address.contains(*gateway))
    })
}
