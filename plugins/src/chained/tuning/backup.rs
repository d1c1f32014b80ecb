//! What the reference wrote down before it changed an interface: `<dataDir>/<container>_<interface>.json`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cni::{Code, Coded, Failure, go};
use host::Host;
use netstate::{Adjustment, LinkName, Mac, Property, Tuned};
use serde::Deserialize;

use crate::chained::flow::Leaving;
use crate::failure::of;

/// The reference's default of `dataDir`.
const DIRECTORY: &str = "/run/cni/tuning";

/// The file, with the keys that were changed.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Backup {
    #[serde(deserialize_with = "go::unset_when_empty")]
    mac: Option<Mac>,
    promisc: Option<bool>,
    mtu: u32,
    allmulti: Option<bool>,
    #[serde(rename = "txQLen")]
    tx_q_len: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Place {
    data_dir: PathBuf,
}

/// A backup that can't be removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove {path}: {source}")]
struct BackupError {
    path: String,
    source: io::Error,
}

impl Coded for BackupError {
    fn code(&self) -> Code {
        Code::Io
    }
}

/// Brings back what the file says, if there is one and the container still is, and removes the file.
pub(super) fn restore(leaving: &Leaving, host: &mut Host) -> Vec<Failure> {
    let path = path(leaving);
    let Ok(text) = fs::read(&path) else { return Vec::new() };
    let mut failures: Vec<Failure> = match (&leaving.container, LinkName::new(&leaving.owner.ifname)) {
        (Some(container), Ok(link)) => {
            let made = adjustments(&text, &link);
            host.withdraw(Some(container), &leaving.owner, &made).into_iter().map(of).collect()
        }
        _ => Vec::new(),
    };
    if failures.is_empty()
        && let Err(source) = fs::remove_file(&path)
    {
        failures.push(BackupError { path: path.display().to_string(), source }.into());
    }
    failures
}

fn path(leaving: &Leaving) -> PathBuf {
    let place: Place = leaving.request.config.decode().unwrap_or_default();
    let directory =
        if place.data_dir.as_os_str().is_empty() { Path::new(DIRECTORY) } else { &place.data_dir };
    directory.join(format!("{}_{}.json", leaving.owner.container, leaving.owner.ifname))
}

/// The changes whose withdrawal brings the backup back: the last of them first, so in the order in which the reference
/// made them. A file that can't be read says nothing.
fn adjustments(text: &[u8], link: &LinkName) -> Vec<Adjustment> {
    let backup: Backup =
        serde_json::from_slice(text).ok().and_then(|value| go::decode(&value).ok()).unwrap_or_default();
    let before = [
        backup.mac.map(Property::Mac),
        backup.promisc.map(Property::Promiscuous),
        (backup.mtu != 0).then_some(Property::Mtu(backup.mtu)),
        backup.allmulti.map(Property::AllMulticast),
        backup.tx_q_len.map(Property::QueueLength),
    ];
    let tuned = |before: Property| Tuned { link: link.clone(), wanted: before, before };
    before.into_iter().flatten().map(|before| Adjustment::Tuned(tuned(before))).collect()
}
