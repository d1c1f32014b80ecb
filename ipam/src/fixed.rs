//! static: the addresses that somebody wrote down. It stands in the place of the reference plugin of the same name.
//!
//! Nothing is kept anywhere, so DEL and GC have nothing to take away. CHECK is stricter than the reference's, which
//! passes over an address that the attachment does not have.

mod config;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use cni::{Code, Coded, Failure, Ip, Plugin, Request, Success};
use ipnetwork::IpNetwork;

pub use config::ConfigError;
use config::Settings;

/// The plugin.
pub struct Static;

/// What CHECK finds.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// The runtime gave nothing to compare with.
    #[error("Required prevResult missing")]
    NoPrevResult,
    /// The attachment lacks an address.
    #[error("static: prevResult has no address {0}")]
    NoAddress(IpNetwork),
    /// An address has another gateway.
    #[error("static: the gateway of {address} in prevResult is {found:?}, not {wanted}")]
    Gateway {
        /// The address.
        address: IpNetwork,
        /// The gateway that the configuration gives it.
        wanted: IpAddr,
        /// The gateway that it has.
        found: Option<IpAddr>,
    },
}

impl Coded for Finding {
    fn code(&self) -> Code {
        match self {
            Self::NoPrevResult => Code::InvalidConfig,
            Self::NoAddress(_) | Self::Gateway { .. } => Code::Internal,
        }
    }
}

impl Plugin for Static {
    fn name(&self) -> &'static str {
        "static"
    }

    fn add(&self, request: &Request) -> Result<Success, Failure> {
        let Settings { ips, routes, dns } = Settings::of(request)?;
        Ok(Success { interfaces: Vec::new(), ips, routes, dns })
    }

    /// Whatever the configuration says by now: nothing was kept.
    fn del(&self, _: &Request) -> Result<(), Failure> {
        Ok(())
    }

    fn check(&self, request: &Request) -> Result<(), Failure> {
        let wanted = Settings::of(request)?.ips;
        let found = request.config.prev_result()?.ok_or(Finding::NoPrevResult)?.ips;
        Ok(wanted.iter().try_for_each(|ip| compare(ip, &found))?)
    }

    fn gc(&self, _: &Request) -> Result<(), Failure> {
        Ok(())
    }

    fn status(&self, request: &Request) -> Result<(), Failure> {
        Settings::of(request)?;
        Ok(())
    }
}

/// A gateway that the configuration leaves open is the interface plugin's to choose.
fn compare(wanted: &Ip, found: &[Ip]) -> Result<(), Finding> {
    let address = wanted.address;
    let there = found.iter().find(|ip| ip.address == address).ok_or(Finding::NoAddress(address))?;
    match wanted.gateway {
        Some(gateway) if there.gateway != Some(gateway) => {
            Err(Finding::Gateway { address, wanted: gateway, found: there.gateway })
        }
        _ => Ok(()),
    }
}
