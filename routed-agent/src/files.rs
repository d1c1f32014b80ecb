//! What the agent writes for others: the conflist for runtimes; `subnet.env`, by which host-local knows that it holds, for
//! the `flannel` plugin, too.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnetwork::IpNetwork;
use netstate::PodNetwork;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::cluster::holds;
use crate::command::{Portmap, Settings};
use crate::conflist::{self, ConflistFacts};
use crate::published::{self, PublishError};
use crate::set_aside;
use crate::source::file::Watch;
use crate::subnet_env::{self, SubnetEnv};

/// How long until watching is tried again where the kernel refused it.
const RETRY: Duration = Duration::from_secs(10);

/// What they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// This node's pods, one a family at most.
    pub(crate) pods: Vec<PodNetwork>,
    /// The pods' MTU in bytes.
    pub(crate) mtu: u32,
    /// The agent masquerades, so the plugins must not.
    pub(crate) masquerade: bool,
}

/// A network configuration of somebody else's that goes before ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} sorts before {ours}, and the runtime takes the first: pods get its network, not this one; remove it", first.display())]
pub(crate) struct Rival {
    first: PathBuf,
    ours: String,
}

/// Where they are.
pub(crate) struct Files {
    subnet_env: PathBuf,
    conflist: Option<PathBuf>,
    portmap: Portmap,
    memory: PathBuf,
}

impl Files {
    /// Where the settings say.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            subnet_env: settings.subnet_file.clone(),
            conflist: settings.conflist.clone(),
            portmap: settings.conflist_portmap,
            memory: settings.state_dir.join("rp_filter"),
        }
    }

    /// What has to be given back after a change of backend (see `agent::restore`).
    pub(crate) fn memory(&self) -> &Path {
        &self.memory
    }

    /// This node's subnets as an earlier agent, or flanneld, wrote them: one a family at most, inside the networks.
    pub(crate) fn subnets(&self, networks: &[IpNetwork]) -> Vec<IpNetwork> {
        let read = |path: &Path| std::fs::read_to_string(path);
        let text = read(&self.subnet_env).or_else(|_| read(&self.withdrawn())).unwrap_or_default();
        let known = subnet_env::subnets(&text);
        let within = |subnet: &IpNetwork| networks.iter().any(|network| holds(*network, *subnet));
        known.into_iter().filter(within).collect()
    }

    /// Makes them say it. The conflist is last: it lets the runtime start pods, of subnets that `subnet.env` names.
    pub(crate) fn keep(&self, facts: &Facts) -> Vec<PublishError> {
        let Facts { pods, mtu, masquerade } = facts.clone();
        let env = subnet_env::render(&SubnetEnv { pods: pods.clone(), mtu, masquerade });
        let subnet_file = std::path::absolute(&self.subnet_env).unwrap_or_else(|_| self.subnet_env.clone());
        let list = conflist::render(&ConflistFacts { pods, mtu, portmap: self.portmap, subnet_file });
        let all = [(Some(&self.subnet_env), env), (self.conflist.as_ref(), list)];
        let written =
            all.iter().filter_map(|(path, text)| path.map(|path| published::write_if_different(path, text)));
        let known = published::remove(&self.withdrawn());
        written.filter_map(Result::err).chain(known.err()).collect()
    }

    /// This node's subnets are nobody's word any more: no pod gets an address of them (host-local's `subnetFile`) until
    /// [`Files::keep`]. What they were is remembered, and the conflist stays, for pods still go by it.
    ///
    /// # Errors
    /// [`PublishError`].
    pub(crate) fn withdraw(&self) -> Result<(), PublishError> {
        published::rename(&self.subnet_env, &self.withdrawn()).map(drop)
    }

    fn withdrawn(&self) -> PathBuf {
        let mut name = self.subnet_env.clone().into_os_string();
        name.push(".withdrawn");
        name.into()
    }

    /// The network configuration that the runtime takes in place of ours: of several it takes the first by name.
    pub(crate) fn rival(&self) -> Option<Rival> {
        let ours = self.conflist.as_ref()?;
        let (directory, name) = (ours.parent()?, ours.file_name()?.to_str()?);
        let names = std::fs::read_dir(directory)
            .ok()?
            .flatten()
            .filter_map(|file| file.file_name().into_string().ok());
        let first = names.filter(|name| set_aside::is_read(Path::new(name))).min()?;
        (first.as_str() < name).then(|| Rival { first: directory.join(first), ours: name.to_owned() })
    }

    /// Takes them away, the conflist first, and what was set aside for it.
    pub(crate) fn remove(&self) -> Vec<PublishError> {
        let aside = self.conflist.as_ref().and_then(|conflist| set_aside::forget(conflist).err());
        let all = self.paths().rev().cloned().chain([self.withdrawn()]);
        all.filter_map(|path| published::remove(&path).err()).chain(aside).collect()
    }

    /// Sets aside flannel's network configurations beside ours. Tells where they are now.
    ///
    /// # Errors
    /// [`PublishError`].
    pub(crate) fn set_aside(&self) -> Result<Vec<PathBuf>, PublishError> {
        self.conflist.as_deref().map_or(Ok(Vec::new()), set_aside::set_aside)
    }

    /// Puts flannel's network configurations back; then ours goes. While there is none of flannel's it stays, for pods
    /// start all the while.
    ///
    /// # Errors
    /// [`PublishError`].
    pub(crate) fn hand_over(&self) -> Result<(), PublishError> {
        let Some(conflist) = &self.conflist else { return Ok(()) };
        set_aside::put_back(conflist)?;
        if set_aside::flannels(conflist).is_some() { published::remove(conflist) } else { Ok(()) }
    }

    /// A network configuration of flannel's beside ours, which no agent of ours has set aside: this node is flannel's.
    pub(crate) fn flannels(&self) -> Option<PathBuf> {
        self.conflist.as_deref().and_then(set_aside::flannels)
    }

    /// Tells whenever somebody may have changed one.
    pub(crate) fn watch(&self, changed: &mpsc::Sender<()>) {
        for path in self.paths() {
            tokio::task::spawn_local(watch(path.clone(), changed.clone()));
        }
    }

    fn paths(&self) -> impl DoubleEndedIterator<Item = &PathBuf> {
        std::iter::once(&self.subnet_env).chain(&self.conflist)
    }
}

/// Where the kernel does not let us watch, the loop's own tick finds what changed.
async fn watch(path: PathBuf, changed: mpsc::Sender<()>) {
    while !changed.is_closed() {
        let error = match Watch::on(&path) {
            Ok(mut watch) => loop {
                // One word waiting is as good as many.
                let _ = changed.try_send(());
                if let Err(error) = watch.changed().await {
                    break error;
                }
            },
            Err(error) => error,
        };
        tracing::warn!(path = %path.display(), %error, "can't be watched");
        sleep(RETRY).await;
    }
}
