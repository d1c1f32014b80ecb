//! Nodes from a file, read anew whenever what its path names changes (`inotify(7)`).

mod trail;
mod watch;

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::{self, DocumentError};
use super::{News, Sender};
use crate::node::Node;
pub(crate) use watch::Watch;

/// How long until watching is tried again where the kernel refused it, as it does when others watch too much.
const RETRY: Duration = Duration::from_secs(10);

/// Why the file tells nothing.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("nodes file {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// Reading a pipe or a device could take for ever.
    #[error("nodes file {}: not a regular file", .0.display())]
    NoFile(PathBuf),
    #[error("nodes file {}: {source}", path.display())]
    Document { path: PathBuf, source: DocumentError },
}

/// What the file says.
struct Found {
    nodes: Vec<Node>,
    /// Of its text: equal texts have equal ones.
    digest: u64,
}

/// Tells the Nodes of the file at `path`, and again all of them whenever it says something else; [`News::Lost`] while
/// it is missing, can't be read, or is no complete list. Goes on until nobody listens. `prefix` is how the names of
/// our annotations begin.
pub(crate) async fn run(path: PathBuf, prefix: String, news: Sender) {
    let mut teller = Teller { news, told: None, lost: None };
    loop {
        // The watch stands before the look, so no change falls between.
        let refused = match Watch::on(&path) {
            Ok(mut watch) => loop {
                teller.tell(read(&path, &prefix)).await;
                tokio::select! {
                    () = teller.news.closed() => return,
                    changed = watch.changed() => if let Err(error) = changed { break error },
                }
            },
            Err(error) => {
                let found = read(&path, &prefix);
                if !teller.knows(&found) {
                    teller.tell(found).await;
                }
                error
            }
        };
        teller.lost(format!("nodes file {}: its changes can't be seen: {refused}", path.display())).await;
        tokio::select! {
            () = teller.news.closed() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

/// Tells what is new.
struct Teller {
    news: Sender,
    /// The digest of what was told last.
    told: Option<u64>,
    /// The loss that was told and still lasts.
    lost: Option<String>,
}

impl Teller {
    async fn tell(&mut self, found: Result<Found, FileError>) {
        let known = self.knows(&found);
        match found {
            Ok(_) if known => {
                if self.lost.take().is_some() {
                    self.send(News::Back).await;
                }
            }
            Ok(Found { nodes, digest }) => {
                (self.told, self.lost) = (Some(digest), None);
                self.send(News::All(nodes)).await;
            }
            Err(error) => self.lost(error.to_string()).await,
        }
    }

    fn knows(&self, found: &Result<Found, FileError>) -> bool {
        found.as_ref().is_ok_and(|found| self.told == Some(found.digest))
    }

    async fn lost(&mut self, reason: String) {
        if self.lost.as_ref() != Some(&reason) {
            self.lost = Some(reason.clone());
            self.send(News::Lost(reason)).await;
        }
    }

    async fn send(&self, news: News) {
        // Where nobody listens any more, `run` ends by that.
        let _ = self.news.send(news).await;
    }
}

fn read(path: &Path, prefix: &str) -> Result<Found, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(FileError::NoFile(path.to_owned()));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    let nodes = document::read(&text, prefix)
        .map_err(|source| FileError::Document { path: path.to_owned(), source })?;
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    Ok(Found { nodes, digest: hasher.finish() })
}

#[cfg(test)]
mod tests;
