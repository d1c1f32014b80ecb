//! The configuration of `bandwidth`: what was written, and what it means.

use cni::{Code, Coded, Failure, Request};
use ipnetwork::IpNetwork;
use netstate::Traffic;
use serde::Deserialize;

/// What the network's owner, or the runtime, wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// `ingressRate` and `ingressBurst`: towards the container.
    pub(super) ingress: Option<Asked>,
    /// `egressRate` and `egressBurst`: from the container.
    pub(super) egress: Option<Asked>,
    /// `shapedSubnets` or `unshapedSubnets`.
    pub(super) traffic: Traffic,
}

/// The limit of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// In bits a second; not 0.
    pub(super) rate: u64,
    /// In bits; not 0.
    pub(super) burst: u64,
}

/// A value that can't be. The texts begin with the key; what follows is the reference's where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConfError {
    #[error("{0}Burst: missing or 0: if rate is set ({0}Rate: {1}), burst must also be set")]
    NoBurst(&'static str, u64),
    #[error("{0}Rate: missing or 0: if burst is set ({0}Burst: {1}), rate must also be set")]
    NoRate(&'static str, u64),
    #[error("{0}Burst: invalid value {1}: burst cannot be more than 4GB")]
    Burst(&'static str, u64),
    #[error("{key}: invalid value {value:?}: not a subnet (ADDRESS/PREFIX)")]
    Subnet { key: &'static str, value: String },
    #[error(
        "shapedSubnets and unshapedSubnets cannot be both specified, one of them should be discarded \
         (shapedSubnets: {shaped:?}, unshapedSubnets: {unshaped:?})"
    )]
    Both { shaped: Vec<String>, unshaped: Vec<String> },
}

impl Coded for ConfError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// What was written, at the top or by the runtime.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    ingress_rate: Option<u64>,
    ingress_burst: Option<u64>,
    egress_rate: Option<u64>,
    egress_burst: Option<u64>,
    shaped_subnets: Vec<String>,
    unshaped_subnets: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct WrittenRuntime {
    runtime_config: WrittenBandwidth,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WrittenBandwidth {
    bandwidth: Written,
}

impl Written {
    fn has_limits(&self) -> bool {
        let Self { ingress_rate, ingress_burst, egress_rate, egress_burst, .. } = self;
        [ingress_rate, ingress_burst, egress_rate, egress_burst].into_iter().any(Option::is_some)
    }

    fn has_subnets(&self) -> bool {
        !self.shaped_subnets.is_empty() || !self.unshaped_subnets.is_empty()
    }
}

impl Conf {
    /// Reads the configuration. Limits at the top take the place of the runtime's, and so do subnets; subnets at the top
    /// go with the runtime's limits, for a runtime knows no subnets.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(super) fn parse(request: &Request) -> Result<Self, Failure> {
        let top: Written = request.config.decode()?;
        let WrittenRuntime { runtime_config: WrittenBandwidth { bandwidth: runtime } } =
            request.config.decode()?;
        let limits = if top.has_limits() { &top } else { &runtime };
        let subnets = if top.has_subnets() { &top } else { &runtime };
        Ok(Self {
            ingress: asked("ingress", limits.ingress_rate, limits.ingress_burst)?,
            egress: asked("egress", limits.egress_rate, limits.egress_burst)?,
            traffic: traffic(subnets)?,
        })
    }
}

fn asked(key: &'static str, rate: Option<u64>, burst: Option<u64>) -> Result<Option<Asked>, ConfError> {
    match (rate.unwrap_or_default(), burst.unwrap_or_default()) {
        (0, 0) => Ok(None),
        (rate, 0) => Err(ConfError::NoBurst(key, rate)),
        (0, burst) => Err(ConfError::NoRate(key, burst)),
        (_, burst) if burst / 8 >= u64::from(u32::MAX) => Err(ConfError::Burst(key, burst)),
        (rate, burst) => Ok(Some(Asked { rate, burst })),
    }
}

fn traffic(Written { shaped_subnets, unshaped_subnets, .. }: &Written) -> Result<Traffic, ConfError> {
    let shaped = subnets("shapedSubnets", shaped_subnets)?;
    let unshaped = subnets("unshapedSubnets", unshaped_subnets)?;
    match (shaped.is_empty(), unshaped.is_empty()) {
        (true, true) => Ok(Traffic::All),
        (false, true) => Ok(Traffic::Only(shaped)),
        (true, false) => Ok(Traffic::AllBut(unshaped)),
        (false, false) => {
            Err(ConfError::Both { shaped: shaped_subnets.clone(), unshaped: unshaped_subnets.clone() })
        }
    }
}

/// Each once, and without the bits beyond the prefix.
fn subnets(key: &'static str, written: &[String]) -> Result<Vec<IpNetwork>, ConfError> {
    let mut subnets = Vec::new();
    for value in written {
        let invalid = || ConfError::Subnet { key, value: value.clone() };
        // Without a prefix it would be read as that of a single address.
        let written = Some(value).filter(|value| value.contains('/'));
        let subnet: IpNetwork = written.and_then(|value| value.parse().ok()).ok_or_else(invalid)?;
        let subnet = IpNetwork::new(subnet.network(), subnet.prefix()).map_err(|_| invalid())?;
        if !subnets.contains(&subnet) {
            subnets.push(subnet);
        }
    }
    Ok(subnets)
}
