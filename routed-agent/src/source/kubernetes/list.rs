//! Complete lists: streamed as the beginning of a watch, or by pages. A list that breaks off is none.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::AsyncReadExt;
use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use tokio::time::timeout;

use super::watch::{ANSWER, Event, Start, Watch};
use super::{Interest, Tried, Trouble};
use crate::client::NODES;
use crate::node::Node;
use crate::node::wire::WireNode;

/// Nodes in a page: 4 MB of JSON at 16 KB each.
const PAGE: u32 = 250;

/// The time for a page to come.
const ANSWERED: Duration = Duration::from_secs(60);

/// All Nodes, as they were at one moment.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) nodes: Vec<Node>,
    /// The resource version of that moment: a watch goes on from here.
    pub(super) version: String,
}

/// Opens a watch that begins with all Nodes, and reads it up to where these are complete.
///
/// # Errors
/// [`Trouble`]: anything but a complete list. Where the server doesn't know how, [`Trouble::not_streamed`].
pub(super) async fn streamed(client: &Client, interest: &Interest) -> Result<(Listing, Watch), Trouble> {
    let mut watch = Watch::open(client, Start::WithAll).await?;
    let mut nodes = BTreeMap::new();
    loop {
        let event = timeout(ANSWER, watch.next()).await;
        let event = event.map_err(|_| Trouble::Silent { tried: Tried::List })??;
        let Some(event) = event else { return Err(Trouble::CutOff { nodes: nodes.len() }) };
        let version = event.version()?;
        match event {
            Event::Added(node) | Event::Modified(node) => {
                let node = interest.trim(node);
                nodes.insert(node.name.clone(), node);
            }
            // What changes meanwhile may come before the bookmark, too.
            Event::Deleted(node) => {
                nodes.remove(&interest.trim(node).name);
            }
            Event::Bookmark(bookmark) if bookmark.completes() => {
                return Ok((Listing { nodes: nodes.into_values().collect(), version }, watch));
            }
            Event::Bookmark(_) | Event::Error(_) => {}
        }
    }
}

/// A page of a list.
#[derive(Debug, Deserialize)]
struct Page {
    metadata: PageMetadata,
    // A list of nothing has none.
    #[serde(default)]
    items: Option<Vec<WireNode>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    resource_version: String,
    /// Names the next page; absent or empty on the last.
    #[serde(default, rename = "continue")]
    rest: String,
}

/// Reads all pages of one list.
///
/// # Errors
/// [`Trouble`]: anything but a complete list; 410 where the server forgot it on the way.
pub(super) async fn paged(client: &Client, interest: &Interest) -> Result<Listing, Trouble> {
    let mut nodes = Vec::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = timeout(ANSWERED, page(client, &params)).await;
        let page = page.map_err(|_| Trouble::Silent { tried: Tried::List })??;
        nodes.extend(page.items.into_iter().flatten().map(|node| interest.trim(node)));
        if page.metadata.rest.is_empty() {
            return Ok(Listing { nodes, version: page.metadata.resource_version });
        }
        params.continue_token = Some(page.metadata.rest);
    }
}

async fn page(client: &Client, params: &ListParams) -> Result<Page, Trouble> {
    let tried = Tried::List;
    let refused = |error: kube::Error| Trouble::Refused { tried, refusal: error.into() };
    let request = Request::new(NODES).list(params);
    let request = request.map_err(|error| refused(kube::Error::BuildRequest(error)))?;
    let mut answer = Box::pin(client.request_stream(request).await.map_err(refused)?);
    let mut text = Vec::new();
    answer.read_to_end(&mut text).await.map_err(|source| Trouble::Broken { tried, source })?;
    serde_json::from_slice(&text).map_err(|source| Trouble::Unreadable { tried, source })
}
