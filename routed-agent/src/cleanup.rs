//! `routed-agent cleanup`: takes away all that the agent made, or hands it to flannel.
//!
//! Without an heir nothing needs to be known but where files are. For flannel, the Nodes must be known: each path is
//! turned by replace into what flanneld would have made, so no packet is lost, and flanneld can change it later.
//!
//! A node that flannel has again keeps what flannel needs, whoever cleans up there.

use std::time::Duration;

use host::Host;
use host::fabric::Shape;
use host::flanneld;
use netstate::Fabric;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::agent::{self, Ground, Pass};
use crate::command::{Heir, Settings};
use crate::files::Files;
use crate::lock::Lock;
use crate::report;
use crate::run::{self, StartError};
use crate::source::{self, News};

/// What one pass replaces, another may find superfluous.
const PASSES: u32 = 3;

/// So long is waited for a complete list of Nodes.
const LIST: Duration = Duration::from_secs(30);

/// Why something is left.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CleanupError {
    /// What an agent needs too.
    #[error(transparent)]
    Start(#[from] StartError),
    /// An agent would make it again.
    #[error("an agent works on this node: end it first")]
    AgentWorks,
    /// flannel's heritage can't be known.
    #[error("no complete list of Nodes within {LIST:?}, so nothing was changed: {0}")]
    NoList(String),
    /// Without them flannel's pods would reach nobody.
    #[error(
        "{sign}, so this node's pods are flannel's, but their packets go by what is ours ({first}): nothing was changed; \
         routed-agent cleanup --to-flannel turns it into flannel's, or take flannel away first"
    )]
    Flannels {
        /// What shows that the node is flannel's.
        sign: String,
        /// The first thing of ours.
        first: String,
    },
    /// These are left.
    #[error("not all was taken away: {}", .0.join("; "))]
    Left(Vec<String>),
}

/// Cleans up.
///
/// # Errors
/// [`CleanupError`].
pub(crate) async fn cleanup(settings: Settings, heir: Heir) -> Result<(), CleanupError> {
    let lock =
        Lock::try_take(&settings.state_dir).map_err(run::io("take the lock of the state directory"))?;
    let lock = lock.ok_or(CleanupError::AgentWorks)?;
    let left = match heir {
        Heir::Nobody => leave(&settings).await?,
        Heir::Flannel => hand_over(&settings).await?,
    };
    if !left.is_empty() {
        return Err(CleanupError::Left(left));
    }
    if heir == Heir::Nobody {
        lock.forget().map_err(run::io("remove the state directory's files"))?;
    }
    Ok(())
}

async fn leave(settings: &Settings) -> Result<Vec<String>, CleanupError> {
    if let Some(sign) = flannels(settings) {
        return leave_flannels(settings, sign);
    }
    let mut left = leave_nothing(settings)?;
    let own = run::own_name(settings)?;
    left.extend(report::take_back(settings, &own).await.err().map(|error| error.to_string()));
    Ok(left)
}

fn leave_nothing(settings: &Settings) -> Result<Vec<String>, CleanupError> {
    let files = Files::new(settings);
    let mut left: Vec<String> = files.remove().iter().map(ToString::to_string).collect();
    let mut host = Host::open().map_err(StartError::from)?;
    left.extend(agent::restore(&host, files.memory()).err());
    match host.reconcile(&Fabric::default()) {
        Ok(pass) => left.extend(pass.failures.iter().map(ToString::to_string)),
        Err(error) => left.push(error.to_string()),
    }
    left.extend(host.remove_pod_rules().err().map(|error| error.to_string()));
    Ok(left)
}

/// What shows that this node is flannel's. In a Pod flanneld itself can't be seen.
fn flannels(settings: &Settings) -> Option<String> {
    let conflist = Files::new(settings).flannels();
    let there = conflist.map(|path| format!("flannel's {} is there", path.display()));
    there.or_else(|| flanneld::working().map(|process| format!("flanneld (process {process}) works here")))
}

/// `subnet.env` and what the Node says are flanneld's, who wrote the same there; by now it leads packets, too.
fn leave_flannels(settings: &Settings, sign: String) -> Result<Vec<String>, CleanupError> {
    let files = Files::new(settings);
    let mut host = Host::open().map_err(StartError::from)?;
    let ours = host.drift(&Fabric::default(), Shape::default()).map_err(StartError::from)?;
    if let Some(first) = ours.changes.first() {
        return Err(CleanupError::Flannels { sign, first: first.to_string() });
    }
    tracing::info!("{sign}: what is flannel's stays, subnet.env and what the Node says among it");
    let mut left: Vec<String> = agent::restore(&host, files.memory()).err().into_iter().collect();
    left.extend(host.remove_pod_rules().err().map(|error| error.to_string()));
    left.extend(files.hand_over().err().map(|error| error.to_string()));
    Ok(left)
}

/// `subnet.env` stays, for flannel's plugin reads it, and a conflist: pods start all the while.
async fn hand_over(settings: &Settings) -> Result<Vec<String>, CleanupError> {
    let (teller, mut news) = mpsc::channel(run::NEWS);
    let (mut pass, own) = run::prepare(settings)?;
    source::start(settings, &own, teller);
    let mut why = "nothing was heard".to_owned();
    let all = timeout(LIST, async {
        while let Some(heard) = news.recv().await {
            match heard {
                News::All(_) => return Some(heard),
                News::Lost(reason) => why = reason,
                _ => {}
            }
        }
        None
    });
    let Ok(Some(all)) = all.await else { return Err(CleanupError::NoList(why)) };
    pass.take(all);
    let mut left = release(&mut pass);
    if left.is_empty() {
        let files = Files::new(settings);
        left.extend(pass.give_back(files.memory()).err());
        left.extend(files.hand_over().err().map(|error| error.to_string()));
    }
    Ok(left)
}

/// First the paths; then what flannel has in another way, our rules.
fn release(pass: &mut Pass) -> Vec<String> {
    pass.shape_as(Shape::Flannel);
    for _ in 0..PASSES {
        if pass.make(Ground::Unknown).changes == 0 {
            break;
        }
    }
    if let Err(why) = pass.status().ready() {
        return vec![why];
    }
    pass.forget_rules().err().into_iter().collect()
}
