//! What the agent is told, in types that can't be wrong.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use netstate::SourcePort;

use super::error::ValueError;
use crate::interface::Wish;

/// The settings of one agent. They are made by applying every flag's default, so [`Settings::default`] is only where
/// that begins.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Settings {
    /// Where Nodes come from.
    pub(crate) nodes: NodesFrom,
    /// This node's name among them; the host's name where nothing is said.
    pub(crate) node_name: Option<String>,
    /// The file `net-conf.json`.
    pub(crate) net_conf: PathBuf,
    /// How our annotations' names begin, up to and with the `/` or `-`.
    pub(crate) annotation_prefix: String,
    /// The Node's condition `NetworkUnavailable` is kept.
    pub(crate) set_unavailable: bool,
    /// Which interface leads to the other nodes, and under which addresses they know this one.
    pub(crate) uplink: Wish,
    /// Traffic from pods to outside the pods' network leaves with the node's address.
    pub(crate) masquerade: Option<SourcePort>,
    /// Packets from and to pods are let through between links.
    pub(crate) forward: bool,
    /// The file `subnet.env`.
    pub(crate) subnet_file: PathBuf,
    /// The network configuration that runtimes read; none is written where absent.
    pub(crate) conflist: Option<PathBuf>,
    /// The network configuration also maps host ports, which needs the plugin portmap.
    pub(crate) conflist_portmap: Portmap,
    /// The agent's lock and what it must remember over a restart.
    pub(crate) state_dir: PathBuf,
    /// Where health and metrics are served; nowhere where absent.
    pub(crate) health: Option<SocketAddr>,
    /// The UDP port at which agents answer each other's probes; none where 0.
    pub(crate) probe_port: u16,
    /// How logs are written.
    pub(crate) log: LogFormat,
}

/// Where Nodes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NodesFrom {
    /// The Kubernetes API: the pod's own service account where neither is said.
    Kubernetes {
        /// A kubeconfig file.
        kubeconfig: Option<PathBuf>,
        /// The API server's URL; over that of the kubeconfig.
        url: Option<String>,
    },
    /// A file (see `source::file`).
    File(PathBuf),
}

impl Default for NodesFrom {
    fn default() -> Self {
        Self::Kubernetes { kubeconfig: None, url: None }
    }
}

/// Whether the network configuration has the plugin portmap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Portmap {
    /// After bridge, for whoever asks for host ports.
    #[default]
    Chained,
    /// Not at all.
    Absent,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// Go's words for true and false (`strconv.ParseBool`).
pub(super) fn switch(value: &str) -> Result<bool, ValueError> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(ValueError::Switch),
    }
}

/// An IPv4 address that a family's flag must be of, or an IPv6 one: one a family is kept.
pub(super) fn public<A>(settings: &mut Settings, value: &str) -> Result<(), ValueError>
where
    A: std::str::FromStr<Err = std::net::AddrParseError> + Into<IpAddr>,
{
    settings.uplink.public.push(value.parse::<A>()?.into());
    Ok(())
}

impl Settings {
    /// Sets the address that health is served at; the port is still that of before.
    pub(super) fn serve_at(&mut self, address: IpAddr) {
        self.health = Some(SocketAddr::new(address, self.health.map_or(0, |health| health.port())));
    }

    /// Sets the port that health is served at; 0 is none.
    pub(super) fn serve_port(&mut self, port: u16) {
        let address = self.health.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |health| health.ip());
        self.health = (port != 0).then(|| SocketAddr::new(address, port));
    }

    /// Takes Nodes from a file.
    pub(super) fn read_nodes(&mut self, file: PathBuf) -> Result<(), ValueError> {
        if self.nodes != NodesFrom::default() {
            return Err(ValueError::TwoSources);
        }
        self.nodes = NodesFrom::File(file);
        Ok(())
    }

    /// The API server's kubeconfig and URL, for those flags.
    pub(super) fn kubernetes(&mut self) -> Option<(&mut Option<PathBuf>, &mut Option<String>)> {
        match &mut self.nodes {
            NodesFrom::Kubernetes { kubeconfig, url } => Some((kubeconfig, url)),
            NodesFrom::File(_) => None,
        }
    }
}

/// The beginning of our annotations' names, as flannel completes it: a domain alone gets a `/`, a name a `-`.
pub(super) fn annotation_prefix(value: &str) -> Result<String, ValueError> {
    let (domain, name) = value.split_once('/').unwrap_or((value, ""));
    let word = |text: &str| text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    let labels: Vec<_> = domain.split('.').collect();
    if labels.len() < 2 || labels.iter().any(|label| label.is_empty() || !word(label)) || !word(name) {
        return Err(ValueError::Prefix);
    }
    let dash = if name.is_empty() || name.ends_with('-') { "" } else { "-" };
    Ok(format!("{domain}/{name}{dash}"))
}
