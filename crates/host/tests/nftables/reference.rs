//! Pods that the reference plugins made, before ours took over.

use std::env;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use host::nftables::{Nftables, reference};
use netstate::Attachment;
use sandbox::Node;

use crate::network::{Elsewhere, only, private_network, ruleset, run};

/// Debian's, 1.1.1.
fn debian() -> PathBuf {
    PathBuf::from("/usr/lib/cni")
}

/// The last release, built by `make deps`.
fn latest() -> PathBuf {
    env::var_os("TRESTLE_REFERENCE").map_or_else(
        || PathBuf::from(env::var_os("HOME").expect("HOME")).join(".cache/trestle/plugins-1.9.1"),
        PathBuf::from,
    )
}

/// A directory whose `iptables` is xtables-legacy, gone with the value.
struct LegacyPath(PathBuf);

impl LegacyPath {
    fn new() -> Self {
        let directory = env::temp_dir().join(format!("legacy-iptables-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory for links");
        for (name, program) in [("iptables", "iptables-legacy"), ("ip6tables", "ip6tables-legacy")] {
            let program = PathBuf::from(run(&format!("which {program}")).trim());
            symlink(program, directory.join(name)).expect("a link");
        }
        Self(directory)
    }

    fn before(&self, path: &str) -> String {
        format!("{}:{path}", self.0.display())
    }
}

impl Drop for LegacyPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A pod's part in a test.
struct Pod {
    plugins: PathBuf,
    backend: &'static str,
    path: String,
    container: &'static str,
    host_part: u8,
    namespace: Elsewhere,
}

impl Pod {
    fn attachment(&self) -> Attachment {
        Attachment { network: "refnet".into(), container: self.container.into(), ifname: "eth0".into() }
    }

    fn sources(&self) -> [std::net::IpAddr; 2] {
        [format!("10.9.0.{}", self.host_part), format!("fd09::{}", self.host_part)]
            .map(|address| address.parse().expect("an address"))
    }

    /// Has the reference's bridge plugin add it.
    fn add(&self) {
        let [v4, v6] = self.sources();
        let backend = self.backend;
        let configuration = format!(
            r#"{{"cniVersion":"1.0.0","name":"refnet","type":"bridge","bridge":"refbr0","ipMasq":true,{backend}
            "macspoofchk":true,"ipam":{{"type":"static","addresses":[{{"address":"{v4}/24"}},{{"address":"{v6}/64"}}]}}}}"#
        );
        let mut child = Command::new(self.plugins.join("bridge"))
            .envs([("CNI_COMMAND", "ADD"), ("CNI_CONTAINERID", self.container), ("CNI_IFNAME", "eth0")])
            .env("CNI_NETNS", self.namespace.path())
            .env("CNI_PATH", &self.plugins)
            .env("PATH", &self.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}/bridge: {error}", self.plugins.display()));
        child.stdin.take().expect("piped").write_all(configuration.as_bytes()).expect("the configuration");
        let output = child.wait_with_output().expect("the plugin's end");
        assert!(output.status.success(), "ADD: {}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Adds two pods with the reference, removes the rules of one, and then of the other.
fn pods_are_removed_one_by_one(pods: &[Pod; 2], rules: impl Fn() -> String) {
    let mut nftables = Nftables::new();
    let [first, second] = pods;
    first.add();
    let only_first = rules();
    second.add();
    let both = rules();
    assert_ne!(only_first, both);
    for pod in pods {
        assert!(reference::has_masquerade(&mut nftables, &pod.attachment(), &pod.sources()).unwrap());
    }
    let other = "10.9.0.200".parse().expect("an address");
    assert!(!reference::has_masquerade(&mut nftables, &first.attachment(), &[other]).unwrap());

    reference::remove(&mut nftables, &second.attachment()).unwrap();
    assert_eq!(rules(), only_first);
    assert!(!reference::has_masquerade(&mut nftables, &second.attachment(), &second.sources()).unwrap());
    reference::remove(&mut nftables, &first.attachment()).unwrap();
    let left = rules();
    for trace in ["CNI-", "macspoofchk", "cni-br-iface", "10.9.0", "fd09"] {
        assert!(!left.contains(trace), "{left}");
    }
    reference::remove(&mut nftables, &first.attachment()).unwrap();
    assert_eq!(rules(), left);
}

fn pods(plugins: &Path, backend: &'static str, path: &str) -> [Pod; 2] {
    [("one", 2), ("two", 3)].map(|(container, host_part)| Pod {
        plugins: plugins.to_owned(),
        backend,
        path: path.to_owned(),
        container,
        host_part,
        namespace: Elsewhere::new(),
    })
}

fn path() -> String {
    env::var("PATH").expect("PATH")
}

/// The ruleset, and what only iptables-nft can read of it, without the time of day.
fn plain_ruleset() -> String {
    let listed = ruleset() + &run("iptables-nft-save -t nat") + &run("ip6tables-nft-save -t nat");
    only(&listed, |line| !line.starts_with(['#', ':']))
}

/// What xtables-legacy's rules are, without the time of day.
fn legacy_rules() -> String {
    assert!(!ruleset().contains("CNI-"), "the pods were made through iptables-nft");
    let saved = run("iptables-legacy-save -t nat") + &run("ip6tables-legacy-save -t nat") + &ruleset();
    only(&saved, |line| !line.starts_with(['#', ':']))
}

#[test]
fn rules_of_pods_made_by_version_1_1_1_are_removed() {
    private_network();
    pods_are_removed_one_by_one(&pods(&debian(), "", &path()), plain_ruleset);
}

#[test]
fn rules_of_pods_made_by_version_1_9_1_are_removed() {
    private_network();
    pods_are_removed_one_by_one(&pods(&latest(), r#""ipMasqBackend":"iptables","#, &path()), plain_ruleset);
}

#[test]
fn rules_of_pods_made_by_version_1_9_1_with_nftables_are_removed() {
    private_network();
    pods_are_removed_one_by_one(&pods(&latest(), r#""ipMasqBackend":"nftables","#, &path()), ruleset);
}

#[test]
fn rules_of_pods_made_through_xtables_legacy_are_removed() {
    // A node has a /run of its own, where xtables keeps its lock.
    let _node = Node::enter();
    let legacy = LegacyPath::new();
    pods_are_removed_one_by_one(&pods(&debian(), "", &legacy.before(&path())), legacy_rules);
}
