//! Waits for a change of what a path names. Directories are watched, not the file: files are replaced by rename, and
//! those of a Kubernetes `ConfigMap` by the swap of a symbolic link.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use futures::{FutureExt, StreamExt};
use inotify::{EventMask, EventOwned, EventStream, Inotify, WatchDescriptor, WatchMask};

use super::trail::Trail;

/// What may put another file, or other contents, behind a name. A write counts when the writer closes the file: in
/// between it is half a file.
const CHANGES: WatchMask = WatchMask::CREATE
    .union(WatchMask::CLOSE_WRITE)
    .union(WatchMask::MOVED_FROM)
    .union(WatchMask::MOVED_TO)
    .union(WatchMask::DELETE)
    .union(WatchMask::ATTRIB)
    .union(WatchMask::ONLYDIR);

/// Space for many events at once, in bytes; one with the longest name needs 272.
const EVENTS: usize = 8192;

/// A watch on what a path names.
pub(crate) struct Watch {
    path: PathBuf,
    trail: Trail,
    /// A directory has one watch, by whatever paths it is reached.
    directories: HashMap<WatchDescriptor, Vec<PathBuf>>,
    events: EventStream<[u8; EVENTS]>,
}

impl Watch {
    /// Watches from now on.
    ///
    /// # Errors
    /// What the kernel says, `EMFILE` and `ENOSPC` where others watch too much.
    pub(crate) fn on(path: &Path) -> io::Result<Self> {
        let mut watch = Self {
            path: path.to_owned(),
            trail: Trail::default(),
            directories: HashMap::new(),
            events: Inotify::init()?.into_event_stream([0; EVENTS])?,
        };
        watch.follow()?;
        Ok(watch)
    }

    /// Waits until the path may name another file, or the file has other contents.
    ///
    /// # Errors
    /// What the kernel says: nothing is watched then any more.
    pub(crate) async fn changed(&mut self) -> io::Result<()> {
        let mut relevant = false;
        while !relevant {
            let Some(event) = self.events.next().await else {
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            relevant |= self.is_relevant(&event?);
            // Many changes at once are one.
            while let Some(Some(event)) = self.events.next().now_or_never() {
                relevant |= self.is_relevant(&event?);
            }
        }
        self.follow()
    }

    /// An event is about a name of the trail, or may stand for one that is.
    fn is_relevant(&self, event: &EventOwned) -> bool {
        let mut directories = self.directories.get(&event.wd).into_iter().flatten();
        event.mask.intersects(EventMask::Q_OVERFLOW | EventMask::IGNORED)
            || event
                .name
                .as_ref()
                .is_some_and(|name| directories.any(|directory| self.trail.has(directory, name)))
    }

    /// Watches the directories of today's trail, and only those. A trail that changes while they are added is
    /// followed again.
    fn follow(&mut self) -> io::Result<()> {
        loop {
            let trail = Trail::of(&self.path)?;
            let watches = &mut self.events.watches();
            let mut found = HashMap::<_, Vec<_>>::new();
            for directory in trail.directories() {
                match watches.add(directory, CHANGES) {
                    Ok(watch) => found.entry(watch).or_default().push(directory.to_owned()),
                    // A directory above it tells when that changes.
                    Err(error) if is_absence(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            for (watch, _) in self.directories.drain() {
                if !found.contains_key(&watch) {
                    // Where the directory is gone, so is its watch.
                    let _ = watches.remove(watch);
                }
            }
            self.directories = found;
            let settled = trail == Trail::of(&self.path)?;
            self.trail = trail;
            if settled {
                return Ok(());
            }
        }
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
