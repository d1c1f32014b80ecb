//! `routed-agent run`: everything is set up, and then the loop has it.

use std::fs;
use std::io;

use host::Host;
use host::watch::Watch;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;

use crate::agent::{Agent, Alarm, Ear, Ears, Locator, Pass, Voice};
use crate::cluster::{Terms, Unannotated};
use crate::command::{NodesFrom, Settings};
use crate::duties::Decisions;
use crate::files::Files;
use crate::lock::Lock;
use crate::metrics::Metrics;
use crate::net_conf::{Backend, NetConf, NetConfError};
use crate::probe;
use crate::report::{self, Wish};
use crate::server::{self, Desk};
use crate::source;
use crate::status::Status;

/// So much news may wait: a relist of a large cluster comes as one.
pub(crate) const NEWS: usize = 256;

/// Tables that rules of ours are in, and those of a flanneld that works beside us.
const RULES: [&str; 4] = ["trestle-routed", "filter", "flannel-ipv4", "flannel-ipv6"];

/// So many notices may wait to be told to the cluster.
const NOTICES: usize = 16;

/// Why an agent can't start. All of it is the administrator's to change.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// No name for this node.
    #[error("this node's name is not known: set NODE_NAME or --node-name")]
    Name,
    /// net-conf.json.
    #[error("{path}: {source}")]
    NetConf {
        /// Where it is.
        path: String,
        /// What is wrong with it.
        source: NetConfError,
    },
    /// The kernel gives no socket.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// A file, a port.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
}

/// Says what was tried.
pub(crate) fn io(what: &str) -> impl FnOnce(io::Error) -> StartError {
    let what = what.to_owned();
    move |source| StartError::Io { what, source }
}

/// Runs until a signal ends it. What it made stays.
///
/// # Errors
/// [`StartError`].
pub(crate) async fn run(settings: Settings) -> Result<(), StartError> {
    let (pass, own) = prepare(&settings)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(io("wait for SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(io("wait for SIGINT"))?;
    let lock = tokio::select! {
        lock = Lock::take(&settings.state_dir) => lock.map_err(io("take the lock of the state directory"))?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let socket = lock.listen().map_err(io("listen in the state directory"))?;
    let network = Watch::network().and_then(Ear::new).map_err(io("listen to the kernel"))?;
    let rules = Watch::rules(&RULES).and_then(Ear::new).unwrap_or_else(|error| {
        // The first pass says so where people look.
        tracing::warn!(%error, "nf_tables can't be heard");
        Ear::deaf()
    });
    let alarm = Alarm::new().map_err(io("make a timer"))?;
    let (status, seen) = watch::channel(Status::default());
    let (wishes, hopes) = watch::channel(Wish::default());
    let (questions, asked) = mpsc::channel(1);
    let (teller, news) = mpsc::channel(NEWS);
    let (notices, told) = mpsc::channel(NOTICES);
    let (changed, files) = mpsc::channel(1);
    let metrics = Metrics::default();
    if settings.probe_port != 0 {
        match probe::open(settings.probe_port).await {
            Ok(socket) => drop(spawn_local(probe::answer(socket, questions.clone()))),
            // The node does its work all the same.
            Err(error) => tracing::warn!(port = settings.probe_port, %error, "no probe can be answered"),
        }
    }
    let probe_port = settings.probe_port;
    let desk =
        Desk { status: seen, metrics: metrics.clone(), questions, notices: notices.clone(), probe_port };
    spawn_local(server::serve_socket(socket, desk.clone()));
    if let Some(address) = settings.health {
        let listener = TcpListener::bind(address).await.map_err(io(&format!("listen at {address}")))?;
        spawn_local(server::serve_port(listener, desk));
    }
    source::start(&settings, &own, teller);
    report::start(&settings, hopes, told);
    Files::new(&settings).watch(&changed);
    let ears = Ears { news, network, rules, files, questions: asked };
    let mut agent = Agent::new(pass, ears, Voice { status, wishes, notices, metrics }, alarm);
    tokio::select! {
        () = agent.run() => {}
        _ = terminate.recv() => tracing::info!("SIGTERM; what was made stays"),
        _ = interrupt.recv() => tracing::info!("SIGINT; what was made stays"),
    }
    Ok(())
}

/// A pass by these settings, and this node's name.
///
/// # Errors
/// [`StartError`].
pub(crate) fn prepare(settings: &Settings) -> Result<(Pass, String), StartError> {
    let own = own_name(settings)?;
    let path = &settings.net_conf;
    let text = fs::read_to_string(path).map_err(io(&format!("read {}", path.display())))?;
    let (conf, warnings) = NetConf::parse(&text)
        .map_err(|source| StartError::NetConf { path: path.display().to_string(), source })?;
    for warning in warnings {
        tracing::warn!(path = %path.display(), "{warning}");
    }
    let unannotated = match &settings.nodes {
        NodesFrom::File(_) => Unannotated::Derives,
        NodesFrom::Kubernetes { .. } => Unannotated::Waits,
    };
    let vni = match &conf.backend {
        Backend::Vxlan(vxlan) => Some(vxlan.vni),
        Backend::HostGw | Backend::Alloc => None,
    };
    let terms = Terms { own: own.clone(), networks: conf.networks.clone(), vni, unannotated };
    let decisions = Decisions {
        networks: conf.networks,
        backend: conf.backend,
        masquerade: settings.masquerade,
        forward: settings.forward,
    };
    let locator = Locator::new(settings.uplink.clone(), unannotated);
    Ok((Pass::new(Host::open()?, terms, decisions, locator, Files::new(settings)), own))
}

/// This node's name: what the settings say, else the host's.
///
/// # Errors
/// [`StartError::Name`].
pub(crate) fn own_name(settings: &Settings) -> Result<String, StartError> {
    match &settings.node_name {
        Some(name) => Ok(name.clone()),
        None => host_name().ok_or(StartError::Name),
    }
}

/// The kernel's name for this host.
fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
