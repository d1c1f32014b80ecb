//! Files: the addresses of host-local, and the records that a later DEL or GC goes by.

use super::Pod;
use super::script::{File, Script, Tag};

/// Where plugins keep their state.
const STATE: &str = "/var/lib/cni";
/// Permissions of host-local's files, and of records.
const OWN: u32 = 0o600;
const RECORD: u32 = 0o644;

impl Pod {
    fn boot(&self) -> &str {
        self.proof.lines().find_map(|line| line.strip_prefix("boot ")).unwrap_or_default()
    }

    /// The record of the plugin that keeps its own under `folder`.
    fn record_path(&self, folder: &str) -> String {
        format!("{STATE}/trestle/{folder}/{}/{}", self.boot(), self.key())
    }

    /// The directory of the network's addresses, and that of its index.
    fn directories(&self) -> [String; 2] {
        let network = format!("{STATE}/networks/{}", self.network);
        let index = format!("{STATE}/trestle/host-local/{}", network.replace('/', "%2F"));
        [network, index]
    }
}

impl Script {
    /// Writes the record of the plugin that keeps its own under `folder`.
    pub(super) fn record(self, pod: &Pod, folder: &str, lines: &str) -> Self {
        let Pod { network, container, proof, .. } = pod;
        let content = format!("network {network}\ncontainer {container}\nifname eth0\n{lines}\n{proof}");
        let path = pod.record_path(folder);
        self.then(Tag::Make, &File { mode: RECORD, date: None, path: &path, content: &content }.bytes())
    }

    /// Removes it.
    pub(super) fn forget(self, pod: &Pod, folder: &str) -> Self {
        self.then(Tag::Remove, pod.record_path(folder).as_bytes())
    }

    /// Reserves the pod's address.
    pub(super) fn reserve(self, pod: &Pod) -> Self {
        let [network, index] = pod.directories();
        let Pod { container, proof, address, mark: (seconds, nanoseconds), .. } = pod;
        let record = format!("mark {seconds}.{nanoseconds:09}\n{proof}address {address}\n");
        let path = format!("{index}/{}", pod.key());
        let holder = format!("{container}\r\neth0");
        let own = File { mode: OWN, date: None, path: &path, content: &record };
        let taken = format!("{network}/{address}");
        let taken = File { mode: OWN, date: Some(pod.mark), path: &taken, content: &holder };
        let (last, text) = (format!("{network}/last_reserved_ip.0"), address.to_string());
        let last = File { mode: OWN, date: None, path: &last, content: &text };
        self.then(Tag::Make, &own.bytes())
            .then(Tag::Make, &taken.bytes())
            .then(Tag::Write, &last.bytes())
            .seal(pod)
    }

    /// Gives it back.
    pub(super) fn release(self, pod: &Pod) -> Self {
        let [network, index] = pod.directories();
        self.then(Tag::Remove, format!("{network}/{}", pod.address).as_bytes())
            .then(Tag::Remove, format!("{index}/{}", pod.key()).as_bytes())
            .seal(pod)
    }

    /// Says that the index is right: dates that go together, of both directories, 34 years apart.
    fn seal(self, pod: &Pod) -> Self {
        let (seconds, nanoseconds) = pod.mark;
        let dates = [(seconds, nanoseconds), (seconds ^ 1 << 30, nanoseconds)];
        pod.directories().iter().zip(dates).fold(self, |script, (path, date)| {
            script.then(Tag::Date, &File { mode: OWN, date: Some(date), path, content: "" }.bytes())
        })
    }
}
