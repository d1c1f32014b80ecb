//! A network of host-local's on a node of its own.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sandbox::{Call, Node, Reply};
use serde_json::{Value, json};

/// The program under test.
pub(crate) const OURS: &str = env!("CARGO_BIN_EXE_host-local");

/// One network: its configuration, and where its addresses are kept.
pub(crate) struct Network {
    pub(crate) conf: Value,
    pub(crate) plugin: PathBuf,
}

impl Network {
    /// A network with these `ipam` keys, in the default place. The node is only here to be there.
    pub(crate) fn new(_: &Node, ipam: &Value) -> Self {
        let mut conf = json!({"cniVersion": "1.1.0", "name": "pods", "type": "bridge", "ipam": ipam});
        conf["ipam"]["type"] = "host-local".into();
        Self { conf, plugin: OURS.into() }
    }

    /// A network of one subnet.
    pub(crate) fn of(node: &Node, subnet: &str) -> Self {
        Self::new(node, &json!({"subnet": subnet}))
    }

    /// The same network by another plugin.
    pub(crate) fn by(&self, plugin: impl Into<PathBuf>) -> Self {
        Self { conf: self.conf.clone(), plugin: plugin.into() }
    }

    /// The same network with one key of the configuration changed.
    pub(crate) fn with(&self, key: &str, value: Value) -> Self {
        let mut conf = self.conf.clone();
        conf[key] = value;
        Self { conf, plugin: self.plugin.clone() }
    }

    /// A call for a container's `eth0`; its namespace's path leads nowhere.
    pub(crate) fn call(&self, command: &str, container: &str) -> Call {
        let call = Call::new(&self.plugin).command(command).conf(&self.conf);
        match command {
            "GC" | "STATUS" => call,
            _ => call.container(container).ifname("eth0").env("CNI_NETNS", "/no/where"),
        }
    }

    pub(crate) fn run(&self, command: &str, container: &str) -> Reply {
        self.call(command, container).run()
    }

    /// ADD that must succeed: the first address, without its prefix length.
    pub(crate) fn add(&self, container: &str) -> String {
        addresses(&self.run("ADD", container)).remove(0)
    }

    pub(crate) fn del(&self, container: &str) {
        self.run("DEL", container).succeeded();
    }

    /// GC with these valid attachments.
    pub(crate) fn gc(&self, valid: &Value) -> Reply {
        self.with("cni.dev/valid-attachments", valid.clone()).run("GC", "")
    }

    /// Where the addresses are kept.
    pub(crate) fn directory(&self) -> PathBuf {
        let data_dir = self.conf["ipam"]["dataDir"].as_str().unwrap_or("/var/lib/cni/networks");
        Path::new(data_dir).join(self.conf["name"].as_str().unwrap_or_default())
    }

    /// The file of an address.
    pub(crate) fn file(&self, address: &str) -> PathBuf {
        self.directory().join(address)
    }

    /// Everything in the directory: name, mode and text.
    pub(crate) fn files(&self) -> BTreeMap<String, (u32, String)> {
        let entries = fs::read_dir(self.directory()).expect("the network has a directory");
        entries
            .map(|entry| {
                let path = entry.expect("an entry").path();
                let mode = fs::metadata(&path).expect("metadata").permissions().mode() & 0o7777;
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                (name, (mode, fs::read_to_string(&path).expect("text")))
            })
            .collect()
    }

    /// The same where there may be no directory yet.
    pub(crate) fn files_or_none(&self) -> BTreeMap<String, (u32, String)> {
        if self.directory().exists() { self.files() } else { BTreeMap::new() }
    }

    /// Who holds which address, by the files.
    pub(crate) fn held(&self) -> BTreeMap<String, String> {
        let files = self.files().into_iter().filter(|(name, _)| name.parse::<IpAddr>().is_ok());
        files.map(|(name, (_, text))| (name, text)).collect()
    }

    /// Our own records of the network: file name and text.
    pub(crate) fn records(&self) -> BTreeMap<PathBuf, String> {
        let Ok(directory) = fs::canonicalize(self.directory()) else { return BTreeMap::new() };
        let name = directory.to_string_lossy().replace('/', "%2F");
        let Ok(index) = fs::read_dir(Path::new("/var/lib/cni/trestle/host-local").join(name)) else {
            return BTreeMap::new();
        };
        index
            .map(|record| record.expect("an entry").path())
            .map(|record| (record.clone(), fs::read_to_string(&record).expect("text")))
            .collect()
    }

    /// The one record that there is.
    pub(crate) fn record(&self) -> (PathBuf, String) {
        let records = self.records();
        assert_eq!(records.len(), 1, "{records:?}");
        records.into_iter().next().expect("one")
    }
}

/// The addresses of a result, without their prefix lengths.
pub(crate) fn addresses(reply: &Reply) -> Vec<String> {
    let result = reply.result();
    let ips = result["ips"].as_array().expect("a result has ips");
    let address =
        |ip: &Value| ip["address"].as_str().expect("an address").split('/').next().map(str::to_owned);
    ips.iter().filter_map(address).collect()
}

/// The words of an error.
pub(crate) fn message(reply: &Reply) -> (u64, String) {
    let error = reply.error();
    (error["code"].as_u64().expect("a code"), error["msg"].as_str().expect("a text").to_owned())
}
