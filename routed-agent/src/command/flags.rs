//! The table of flags. It is applied from top to bottom, whatever the order on the command line.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netstate::SourcePort;

use super::error::ValueError;
use super::settings::{LogFormat, Portmap, Settings, annotation_prefix, public, switch};
use crate::interface::{Pattern, Selector};

/// The commands, for messages.
pub(super) const COMMANDS: &str = "run, status, diff, cleanup, version, help";

/// A flag.
pub(super) struct Flag {
    /// Its name, without dashes.
    pub(super) name: &'static str,
    /// Whose it is.
    pub(super) origin: Origin,
    /// What it takes.
    pub(super) shape: Shape,
    /// The value where nothing is said; empty where that is nothing.
    pub(super) default: &'static str,
    /// What it does.
    pub(super) help: &'static str,
    /// How.
    pub(super) meaning: Meaning,
}

/// Whose a flag is, which tells its variable in the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// flanneld has it: `FLANNELD_…`.
    Flannel,
    /// Only ours: `TRESTLE_…`.
    Trestle,
}

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// True or false; true where only named.
    Switch,
    /// One value: the last counts.
    Value,
    /// A value each time that it is given.
    List,
}

/// What becomes of a value.
pub(super) enum Meaning {
    /// It sets something.
    Sets(fn(&mut Settings, &str) -> Result<(), ValueError>),
    /// It says that Nodes come from Kubernetes, which they do.
    NodesFromKubernetes,
    /// It says who comes after a clean-up.
    Heir,
    /// It says for whom an answer is written.
    Form,
    /// It says how far a look goes.
    Depth,
    /// Nothing, and why.
    Idle(&'static str),
}

use Meaning::{Depth, Form, Heir, Idle, NodesFromKubernetes, Sets};
use Origin::{Flannel, Trestle};
use Shape::{List, Switch, Value};

const NO_ETCD: &str = "Nodes come from Kubernetes or from --nodes-file, never from etcd";
const NO_KLOG: &str = "logs are filtered by RUST_LOG";

/// A row of the table.
const fn flag(
    (name, origin, shape): (&'static str, Origin, Shape),
    default: &'static str,
    help: &'static str,
    meaning: Meaning,
) -> Flag {
    Flag { name, origin, shape, default, help, meaning }
}

/// Every flag.
#[rustfmt::skip]
pub(super) static FLAGS: &[Flag] = &[
    flag(("kubeconfig-file", Flannel, Value), "", "kubeconfig of the API server; in a pod the service account serves without it",
        Sets(|settings, value| { if let Some((kubeconfig, _)) = settings.kubernetes() { *kubeconfig = Some(value.into()); } Ok(()) })),
    flag(("kube-api-url", Flannel, Value), "", "URL of the API server, over that of the kubeconfig",
        Sets(|settings, value| {
            if !value.starts_with("http://") && !value.starts_with("https://") { return Err(ValueError::Url); }
            if let Some((_, url)) = settings.kubernetes() { *url = Some(value.to_owned()); }
            Ok(())
        })),
    flag(("nodes-file", Trestle, Value), "", "file of Nodes, in place of a cluster",
        Sets(|settings, value| settings.read_nodes(value.into()))),
    flag(("node-name", Trestle, Value), "", "this node's name; the host's name where nothing is said",
        Sets(|settings, value| { settings.node_name = Some(value.to_owned()); Ok(()) })),
    flag(("kube-subnet-mgr", Flannel, Switch), "", "accepted: Nodes come from Kubernetes without it", NodesFromKubernetes),
    flag(("kube-annotation-prefix", Flannel, Value), "flannel.alpha.coreos.com", "how the names of our annotations begin",
        Sets(|settings, value| { settings.annotation_prefix = annotation_prefix(value)?; Ok(()) })),
    flag(("set-node-network-unavailable", Flannel, Switch), "true", "keep the Node's condition NetworkUnavailable",
        Sets(|settings, value| { settings.set_unavailable = switch(value)?; Ok(()) })),
    flag(("net-config-path", Flannel, Value), "/etc/kube-flannel/net-conf.json", "the network configuration",
        Sets(|settings, value| { settings.net_conf = value.into(); Ok(()) })),
    flag(("iface", Flannel, List), "", "interface towards the other nodes, by name or address; repeatable, the first that is there counts",
        Sets(|settings, value| { settings.uplink.interfaces.push(Selector::named(value)); Ok(()) })),
    flag(("iface-regex", Flannel, List), "", "the same by a regular expression, for addresses first, then for names; repeatable, after every --iface",
        Sets(|settings, value| {
            let pattern = Pattern::new(value).map_err(|error| ValueError::Pattern(error.to_string()))?;
            settings.uplink.interfaces.push(Selector::Pattern(pattern));
            Ok(())
        })),
    flag(("iface-can-reach", Flannel, Value), "", "the interface by which this address is reached",
        Sets(|settings, value| { settings.uplink.can_reach = Some(value.parse()?); Ok(()) })),
    flag(("public-ip", Flannel, Value), "", "IPv4 address under which other nodes reach this one", Sets(public::<Ipv4Addr>)),
    flag(("public-ipv6", Flannel, Value), "", "IPv6 address under which other nodes reach this one", Sets(public::<Ipv6Addr>)),
    flag(("ip-masq", Flannel, Switch), "false", "masquerade what pods send to outside the pods' network",
        Sets(|settings, value| { settings.masquerade = switch(value)?.then_some(SourcePort::Random); Ok(()) })),
    flag(("ip-masq-fully-random-disable", Flannel, Switch), "false", "masquerade keeps the pods' source ports where it can",
        Sets(|settings, value| {
            if switch(value)? { settings.masquerade = settings.masquerade.map(|_| SourcePort::Kept); }
            Ok(())
        })),
    flag(("iptables-forward-rules", Flannel, Switch), "true", "let packets from and to pods through between links",
        Sets(|settings, value| { settings.forward = switch(value)?; Ok(()) })),
    flag(("subnet-file", Flannel, Value), "/run/flannel/subnet.env", "where the flannel plugin reads this node's subnet",
        Sets(|settings, value| { settings.subnet_file = value.into(); Ok(()) })),
    flag(("conflist", Trestle, Value), "", "where to write the runtime's network configuration; nowhere by default",
        Sets(|settings, value| { settings.conflist = Some(value.into()); Ok(()) })),
    flag(("conflist-portmap", Trestle, Switch), "true", "the network configuration also has the plugin portmap",
        Sets(|settings, value| {
            settings.conflist_portmap = if switch(value)? { Portmap::Chained } else { Portmap::Absent };
            Ok(())
        })),
    flag(("state-dir", Trestle, Value), "/run/trestle", "the agent's lock and memory",
        Sets(|settings, value| { settings.state_dir = value.into(); Ok(()) })),
    flag(("healthz-ip", Flannel, Value), "0.0.0.0", "address of /healthz, /readyz and /metrics",
        Sets(|settings, value| { settings.serve_at(value.parse::<IpAddr>()?); Ok(()) })),
    flag(("healthz-port", Flannel, Value), "0", "port of /healthz, /readyz and /metrics; 0 is none",
        Sets(|settings, value| { settings.serve_port(value.parse().map_err(|_| ValueError::Port)?); Ok(()) })),
    flag(("probe-port", Trestle, Value), "8473", "UDP port at which agents answer each other's probes (status --probe); 0 is none",
        Sets(|settings, value| { settings.probe_port = value.parse().map_err(|_| ValueError::Port)?; Ok(()) })),
    flag(("log", Trestle, Value), "text", "logs for people (text) or an object a line (json)",
        Sets(|settings, value| {
            settings.log = match value { "text" => LogFormat::Text, "json" => LogFormat::Json, _ => return Err(ValueError::Log) };
            Ok(())
        })),
    flag((super::TO_FLANNEL, Trestle, Switch), "false", "of cleanup: leave what flanneld can take over", Heir),
    flag((super::JSON, Trestle, Switch), "false", "of status: one JSON object, for programs", Form),
    flag((super::PROBE, Trestle, Switch), "false", "of status: also send packets to every other node and back", Depth),
    flag(("etcd-endpoints", Flannel, Value), "", "no effect", Idle(NO_ETCD)),
    flag(("etcd-prefix", Flannel, Value), "", "no effect", Idle(NO_ETCD)),
    flag(("etcd-keyfile", Flannel, Value), "", "no effect", Idle(NO_ETCD)),
    flag(("etcd-certfile", Flannel, Value), "", "no effect", Idle(NO_ETCD)),
    flag(("etcd-cafile", Flannel, Value), "", "no effect", Idle(NO_ETCD)),
    flag(("etcd-username", Flannel, Value), "", "no effect", Idle(NO_ETCD)),
    flag(("etcd-password", Flannel, Value), "", "no effect", Idle(NO_ETCD)),
    flag(("subnet-lease-renew-margin", Flannel, Value), "", "no effect", Idle("a Node's subnet has no lease")),
    flag(("ip-blackhole-route", Flannel, Switch), "", "no effect", Idle("no such route is made: what no pod has ends at the bridge")),
    flag(("iptables-resync", Flannel, Value), "", "no effect", Idle("what is changed in the kernel is put right at once")),
    flag(("v", Flannel, Value), "", "no effect", Idle(NO_KLOG)),
    flag(("vmodule", Flannel, Value), "", "no effect", Idle(NO_KLOG)),
    flag(("log_backtrace_at", Flannel, Value), "", "no effect", Idle(NO_KLOG)),
];

impl Flag {
    /// The flag of a name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FLAGS.iter().find(|flag| flag.name == name)
    }

    /// Its variables in the environment, the first that is set counts.
    pub(super) fn variables(&self) -> impl Iterator<Item = String> {
        let prefix = match self.origin {
            Flannel => "FLANNELD",
            Trestle => "TRESTLE",
        };
        let own = format!("{prefix}_{}", self.name.to_uppercase().replace('-', "_"));
        // What manifests of flannel set, by the downward API.
        let flannels = (self.name == "node-name").then(|| "NODE_NAME".to_owned());
        [Some(own), flannels].into_iter().flatten()
    }

    /// Its lines in `help`.
    pub(super) fn usage(&self) -> String {
        let value = if self.shape == Switch { "" } else { " VALUE" };
        let default =
            if self.default.is_empty() { String::new() } else { format!(" (default {})", self.default) };
        let variables: Vec<_> = self.variables().collect();
        format!("  --{}{value}  [{}]\n      {}{default}\n", self.name, variables.join(", "), self.help)
    }
}
