//! `loopback`: sets `lo` up. Runtimes call it for every container, with version 0.3.1 and beside the real network.

use cni::{Code, Coded, Failure, Interface, Ip, Plugin, Request, Success};
use host::{Applied, Host, Namespace};
use ipnetwork::IpNetwork;
use netstate::{LinkName, Object, Plan};

use crate::call::netns;
use crate::failure::of;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loopback;

/// The link's one name, whatever `CNI_IFNAME` says.
const LO: &str = "lo";

#[derive(Debug, thiserror::Error)]
enum LoopbackError {
    #[error("loopback interface found with non-loopback address {0:?}")]
    Foreign(String),
}

impl Coded for LoopbackError {
    fn code(&self) -> Code {
        Code::Internal
    }
}

impl Plugin for Loopback {
    fn name(&self) -> &'static str {
        "loopback"
    }

    fn add(&self, request: &Request) -> Result<Success, Failure> {
        let container = Namespace::open(netns(request)?).map_err(of)?;
        let mut host = Host::open().map_err(of)?;
        host.apply(&plan(), Some(&container), &mut Applied::default()).map_err(of)?;
        let addresses = host.addresses_in(&container, &lo()).map_err(of)?;
        if let Some(foreign) = addresses.iter().find(|address| !is_loopback(address)) {
            return Err(LoopbackError::Foreign(foreign.to_string()).into());
        }
        match request.config.prev_result()? {
            Some(result) => Ok(result),
            None => Ok(result(&container, &addresses)),
        }
    }

    /// A namespace that is gone has taken its `lo` along.
    fn del(&self, request: &Request) -> Result<(), Failure> {
        match request.netns.as_deref().and_then(Namespace::open_if_there) {
            Some(container) => Host::open().and_then(|host| host.set_down_in(&container, &lo())).map_err(of),
            None => Ok(()),
        }
    }

    fn check(&self, request: &Request) -> Result<(), Failure> {
        let container = Namespace::open(netns(request)?).map_err(of)?;
        let mut host = Host::open().map_err(of)?;
        let differences = host.compare(&plan(), Some(&container)).map_err(of)?;
        match differences.first() {
            Some(difference) => Err(Failure {
                code: Code::Internal,
                msg: format!("the loopback interface is not as ADD made it: {difference}"),
                details: String::new(),
            }),
            None => Ok(()),
        }
    }

    fn gc(&self, _: &Request) -> Result<(), Failure> {
        Ok(())
    }

    fn status(&self, _: &Request) -> Result<(), Failure> {
        Ok(())
    }
}

fn lo() -> LinkName {
    LinkName::new(LO).expect("lo is a valid name")
}

fn plan() -> Plan {
    let mut plan = Plan::default();
    plan.container(Object::Up(lo()));
    plan
}

/// The first address of each family.
fn result(container: &Namespace, addresses: &[IpNetwork]) -> Success {
    let first = |wanted: fn(&&IpNetwork) -> bool| addresses.iter().find(wanted);
    let ips = [first(|found| found.is_ipv4()), first(|found| found.is_ipv6())];
    Success {
        interfaces: vec![Interface {
            name: LO.to_owned(),
            mac: "00:00:00:00:00:00".to_owned(),
            sandbox: container.path().display().to_string(),
            ..Interface::default()
        }],
        ips: ips
            .into_iter()
            .flatten()
            .map(|address| Ip { interface: Some(0), address: *address, gateway: None })
            .collect(),
        ..Success::default()
    }
}

/// `127.0.0.0/8` or `::1`.
fn is_loopback(address: &IpNetwork) -> bool {
    address.ip().is_loopback()
}
