//! The delegates' configurations as they were at ADD, so that DEL needs neither flanneld nor an unchanged network.
//!
//! ```text
//! <dataDir>/                              0700; files 0600
//!     <container>                         flannel's own name: it knows one attachment of a container
//!     .trestle/<container>:<ifname>       one attachment
//!     .trestle/<container>:<ifname>:new   the same until it is whole
//! ```
//!
//! An attachment has a file of its own and, if it is the container's first, the same text under flannel's name, where
//! flannel's own plugin finds it; when the first goes, the next one gets that. A file of flannel's name with a text
//! that no attachment of ours has was written by flannel's plugin, and we don't know for which interface. Neither a
//! container ID nor an interface's name may hold a colon.
//!
//! Nothing is flushed to the disk: containers don't survive what a flush would be for, and a lost file is rebuilt.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, FileTimes};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use cni::{Code, Coded, Config, DecodeError, Request};
use host::draft::Draft;

use super::conf;

/// Our own files among flannel's; no container ID begins with a dot.
const OURS: &str = ".trestle";

/// What a file is called until it is whole, behind its name.
const UNFINISHED: &str = ":new";

/// A saved configuration that the disk does not give or take.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {}: {source}", .path.display())]
pub(super) struct SavedError {
    verb: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Coded for SavedError {
    fn code(&self) -> Code {
        Code::Io
    }
}

/// A configuration that was found.
#[derive(Debug)]
pub(super) struct Found {
    text: Vec<u8>,
    config: Config,
    by: Writer,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// Ours, of one attachment.
    Ours,
    /// Flannel's plugin's, of one of the container's interfaces.
    Flannel,
}

impl Found {
    /// What the delegate of the ADD was given.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Flannel's plugin keeps one file for all interfaces of a container: one of another network may be another
    /// interface's, unless the network has been renamed.
    pub(super) fn is_certainly_of(&self, request: &Request) -> bool {
        self.by == Writer::Ours || self.is_of_network(&request.config.name)
    }

    /// Is it of this network?
    pub(super) fn is_of_network(&self, network: &str) -> bool {
        self.config.name == network
    }
}

/// The files of one attachment.
#[derive(Debug)]
pub(super) struct Files {
    directory: PathBuf,
    container: String,
    ifname: String,
}

impl Files {
    /// Those of the attachment that a request is about.
    ///
    /// # Errors
    /// Where `dataDir` is no text.
    pub(super) fn of(request: &Request) -> Result<Self, DecodeError> {
        Ok(Self::below(conf::data_dir(request)?, request))
    }

    /// The same for a request that says nothing of `dataDir`.
    pub(super) fn where_flannel_keeps_them(request: &Request) -> Self {
        Self::below(conf::DATA_DIR.into(), request)
    }

    fn below(directory: PathBuf, request: &Request) -> Self {
        Self { directory, container: request.container.clone(), ifname: request.ifname.clone() }
    }

    /// Saves a configuration, in place of what an earlier ADD of the attachment saved.
    ///
    /// # Errors
    /// Where the disk says no.
    pub(super) fn write(&self, text: &[u8]) -> Result<(), SavedError> {
        let directory = self.directory.join(OURS);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
        made.map_err(refused("make", &directory))?;
        if read(&self.own())?.is_some() {
            self.remove()?;
        }
        self.put(&self.own(), text)?;
        let shared = self.shared();
        match draft(&directory, text).and_then(|draft| draft.publish(&shared)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(refused("write", &shared)(error))
            }
            _ => Ok(()),
        }
    }

    /// What was saved, if it can be read as a configuration.
    ///
    /// # Errors
    /// Where the disk says no.
    pub(super) fn read(&self) -> Result<Option<Found>, SavedError> {
        if let Some(found) = read(&self.own())?.and_then(|text| found(text, Writer::Ours)) {
            return Ok(Some(found));
        }
        let Some(text) = read(&self.shared())? else { return Ok(None) };
        let of_others = self.siblings()?.contains(&text);
        Ok(if of_others { None } else { found(text, Writer::Flannel) })
    }

    /// Forgets the attachment. Its own file goes last: until then a DEL that was killed can be repeated.
    ///
    /// # Errors
    /// Where the disk says no; what is not there is forgotten already.
    pub(super) fn remove(&self) -> Result<(), SavedError> {
        let shared = self.shared();
        let (own, first) = (read(&self.own())?, read(&shared)?);
        let siblings = self.siblings()?;
        let is_ours = own.is_none() || own == first;
        if let Some(text) = first.filter(|text| is_ours && !siblings.contains(text)) {
            match siblings.first() {
                Some(next) if own.as_ref() == Some(&text) => self.put(&shared, next)?,
                _ => remove(&shared)?,
            }
        }
        remove(&self.unfinished())?;
        remove(&self.own())
    }

    /// Under the file's own name once it is whole.
    fn put(&self, path: &Path, text: &[u8]) -> Result<(), SavedError> {
        let unfinished = self.unfinished();
        remove(&unfinished)?;
        draft(&self.directory.join(OURS), text)
            .and_then(|draft| draft.publish(&unfinished))
            .and_then(|()| fs::rename(&unfinished, path))
            .map_err(refused("write", path))
    }

    /// What the container's other attachments have saved.
    fn siblings(&self) -> Result<Vec<Vec<u8>>, SavedError> {
        let own = format!("{}:{}", self.container, self.ifname);
        let prefix = format!("{}:", self.container);
        let of_others =
            |name: &String| name.starts_with(&prefix) && !name.ends_with(UNFINISHED) && *name != own;
        let directory = self.directory.join(OURS);
        let paths = names(&directory)?.into_iter().filter(of_others).map(|name| directory.join(name));
        Ok(paths.map(|path| read(&path)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    fn shared(&self) -> PathBuf {
        self.directory.join(&self.container)
    }

    fn own(&self) -> PathBuf {
        self.directory.join(OURS).join(format!("{}:{}", self.container, self.ifname))
    }

    fn unfinished(&self) -> PathBuf {
        self.directory.join(OURS).join(format!("{}:{}{UNFINISHED}", self.container, self.ifname))
    }
}

/// A saved file of whatever attachment.
#[derive(Debug)]
pub(super) struct Saved {
    path: PathBuf,
    /// Whose container.
    pub(super) container: String,
    /// Which interface; unknown under flannel's name.
    pub(super) ifname: Option<String>,
    /// What the delegate of the ADD was given.
    pub(super) text: Vec<u8>,
}

impl Saved {
    /// Every file of a network that can be read, sorted by name.
    ///
    /// # Errors
    /// Where the disk says no.
    pub(super) fn of_network(network: &str, directory: &Path) -> Result<Vec<Self>, SavedError> {
        let mut saved = Vec::new();
        for directory in [directory.to_owned(), directory.join(OURS)] {
            for name in names(&directory)? {
                let path = directory.join(&name);
                // A directory, or gone meanwhile: no configuration.
                let Ok(text) = fs::read(&path) else { continue };
                if Config::parse(&text).is_ok_and(|config| config.name == network) {
                    let (container, ifname) =
                        match name.strip_suffix(UNFINISHED).unwrap_or(&name).split_once(':') {
                            Some((container, ifname)) => (container.to_owned(), Some(ifname.to_owned())),
                            None => (name, None),
                        };
                    saved.push(Self { path, container, ifname, text });
                }
            }
        }
        Ok(saved)
    }

    /// Removes the file.
    ///
    /// # Errors
    /// Where the disk says no.
    pub(super) fn remove(&self) -> Result<(), SavedError> {
        remove(&self.path)
    }
}

/// An empty file, or half of one, tells nothing.
fn found(text: Vec<u8>, by: Writer) -> Option<Found> {
    let config = Config::parse(&text).ok().filter(|config| !config.kind.is_empty())?;
    Some(Found { text, config, by })
}

fn refused(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SavedError {
    move |source| SavedError { verb, path: path.to_owned(), source }
}

fn draft(directory: &Path, text: &[u8]) -> io::Result<Draft> {
    Draft::new(directory, text, FileTimes::new())
}

/// The bytes of a file; none where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, SavedError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(refused("read", path)),
    }
}

fn remove(path: &Path) -> Result<(), SavedError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused("remove", path)(error)),
        _ => Ok(()),
    }
}

/// The names in a directory, sorted; none where it is not there.
fn names(directory: &Path) -> Result<Vec<String>, SavedError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(refused("read", directory))?,
    };
    let name = |name: &OsStr| name.to_str().map(str::to_owned);
    let mut names = entries
        .filter_map(|entry| entry.map(|entry| name(&entry.file_name())).transpose())
        .collect::<io::Result<Vec<_>>>()
        .map_err(refused("read", directory))?;
    names.sort_unstable();
    Ok(names)
}
