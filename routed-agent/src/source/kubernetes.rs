//! Nodes from the API server: one complete list, then a watch from where the list ended, for ever.
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/>: "Efficient detection of changes", "Streaming lists",
//! "Retrieving large results sets in chunks", "410 Gone responses".
//!
//! A Node is trimmed as it is decoded, and of what was told only a hash is kept: a heartbeat ends here.
//!
//! ```text
//! list (streamed, else by pages) → All ─→ watch ─→ Changed, Gone
//!   ↑ position lost (410)                  │ ended: opened again at the last position
//!   └──────────────────────────────────────┘ any failure: Lost, a pause, and the same again; then Back
//! ```

mod list;
mod pauses;
mod told;
mod trouble;
mod watch;
#[cfg(test)]
mod with_api_server;

use std::time::Duration;

use kube::Client;
use tokio::time::{Instant, sleep, timeout};

use self::list::Listing;
use self::pauses::Pauses;
use self::told::Told;
use self::trouble::{Tried, Trouble};
use self::watch::{Event, Start, Watch};
use crate::client::{Access, Connection};
use crate::node::{Node, wire};
use crate::source::{News, Sender};

/// A watch on which nothing comes for so long is opened anew: servers send a bookmark about once a minute.
const SILENCE: Duration = Duration::from_secs(90);

/// A server that lost our position says so at once; one that says nothing for so long goes on from there.
const RESUMED: Duration = Duration::from_secs(1);

/// A watch that ends sooner and without a word is a failure, or we would ask without a pause.
const SHORT: Duration = Duration::from_secs(1);

/// What of the Nodes is of interest.
#[derive(Debug, Clone)]
pub(crate) struct Interest {
    /// What our annotations begin with, up to and with its `/` or `-`.
    pub(crate) prefix: String,
    /// The name of the agent's own Node: the only one whose condition is told.
    pub(crate) own: String,
}

impl Interest {
    fn trim(&self, node: wire::WireNode) -> Node {
        let mut node = wire::read(node, &self.prefix);
        if node.name != self.own {
            node.unavailable = None;
        }
        node
    }
}

/// What ends a round.
#[derive(Debug)]
enum Stop {
    /// Nobody listens any more.
    Unheard,
    Trouble(Trouble),
}

impl<T: Into<Trouble>> From<T> for Stop {
    fn from(trouble: T) -> Self {
        Self::Trouble(trouble.into())
    }
}

/// The source's state between two requests.
pub(crate) struct Kubernetes {
    connection: Connection,
    interest: Interest,
    news: Sender,
    told: Told,
    /// The resource version up to which everything was told; none where a list is due.
    position: Option<String>,
    /// Why no news can be had, as it was told.
    lost: Option<String>,
    pauses: Pauses,
}

impl Kubernetes {
    /// A source that has asked nothing yet.
    pub(crate) fn new(access: Access, interest: Interest, news: Sender) -> Self {
        Self {
            connection: Connection::new(access),
            interest,
            news,
            told: Told::default(),
            position: None,
            lost: None,
            pauses: Pauses::default(),
        }
    }

    /// Tells news until nobody listens. [`News::Lost`] comes once for each new reason, and [`News::Back`] after it, in the
    /// case of a new list after its [`News::All`].
    pub(crate) async fn follow(mut self) {
        let mut pause = self.pauses.start();
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                () = self.news.closed() => return,
            }
            pause = match self.round().await {
                Ok(()) => Duration::ZERO,
                Err(Stop::Unheard) => return,
                Err(Stop::Trouble(trouble)) if trouble.position_lost() && self.position.is_some() => {
                    tracing::info!(%trouble, "the list of Nodes is asked for anew");
                    self.position = None;
                    self.pauses.start()
                }
                Err(Stop::Trouble(trouble)) => {
                    self.connection.failed();
                    if self.tell_lost(trouble.to_string()).await.is_err() {
                        return;
                    }
                    self.pauses.next()
                }
            };
        }
    }

    /// One watch from its beginning to its end, and the list before it where one is due.
    async fn round(&mut self) -> Result<(), Stop> {
        let client = self.connection.client().await?;
        let mut watch = match self.position.clone() {
            Some(version) => Watch::open(&client, Start::After(&version)).await?,
            None => self.list(&client).await?,
        };
        self.listen(&mut watch).await
    }

    /// Tells a complete list, and hands back the watch that goes on from it.
    async fn list(&mut self, client: &Client) -> Result<Watch, Stop> {
        match list::streamed(client, &self.interest).await {
            Err(trouble) if trouble.not_streamed() => {
                tracing::info!(%trouble, "the server streams no lists: it is asked for pages");
            }
            result => {
                let (listing, watch) = result?;
                self.tell_all(listing).await?;
                return Ok(watch);
            }
        }
        let listing = list::paged(client, &self.interest).await?;
        let version = listing.version.clone();
        self.tell_all(listing).await?;
        Ok(Watch::open(client, Start::After(&version)).await?)
    }

    /// Tells what a watch brings, to its end.
    async fn listen(&mut self, watch: &mut Watch) -> Result<(), Stop> {
        let opened = Instant::now();
        let mut heard = false;
        loop {
            let patience = if self.lost.is_some() { RESUMED } else { SILENCE };
            let Ok(event) = timeout(patience, watch.next()).await else {
                if self.lost.is_none() {
                    return Ok(());
                }
                self.tell_back().await?;
                continue;
            };
            match event {
                Ok(Some(event)) => self.tell(event).await?,
                Err(trouble @ (Trouble::Unreadable { .. } | Trouble::Refused { .. })) => {
                    return Err(trouble.into());
                }
                // Servers end watches, and are restarted behind a load balancer: only if it can't be opened again is
                // that news.
                Ok(None) | Err(_) if heard || opened.elapsed() > SHORT => return Ok(()),
                Ok(None) => return Err(Trouble::Short.into()),
                Err(trouble) => return Err(trouble.into()),
            }
            heard = true;
        }
    }

    async fn tell(&mut self, event: Event) -> Result<(), Stop> {
        let version = event.version()?;
        self.tell_back().await?;
        match event {
            Event::Added(node) | Event::Modified(node) => {
                let node = self.interest.trim(node);
                if self.told.changes(&node) {
                    self.send(News::Changed(Box::new(node))).await?;
                }
            }
            Event::Deleted(node) => {
                let name = self.interest.trim(node).name;
                if self.told.goes(&name) {
                    self.send(News::Gone(name)).await?;
                }
            }
            Event::Bookmark(_) | Event::Error(_) => {}
        }
        self.position = Some(version);
        Ok(())
    }

    async fn tell_all(&mut self, listing: Listing) -> Result<(), Stop> {
        if listing.nodes.is_empty() {
            // No cluster is without Nodes: another cluster's server, or one whose store was lost.
            self.position = None;
            return self.tell_lost("the server has no Node at all".to_owned()).await;
        }
        self.told.all(&listing.nodes);
        self.position = Some(listing.version);
        self.send(News::All(listing.nodes)).await?;
        self.tell_back().await
    }

    async fn tell_lost(&mut self, reason: String) -> Result<(), Stop> {
        if self.lost.as_ref() == Some(&reason) {
            return Ok(());
        }
        self.lost = Some(reason.clone());
        self.send(News::Lost(reason)).await
    }

    /// The server answers; that it did not before is over.
    async fn tell_back(&mut self) -> Result<(), Stop> {
        self.pauses.reset();
        match self.lost.take() {
            Some(_) => self.send(News::Back).await,
            None => Ok(()),
        }
    }

    async fn send(&self, news: News) -> Result<(), Stop> {
        self.news.send(news).await.map_err(|_| Stop::Unheard)
    }
}
