//! Who may see whom: the table of DESIGN.md, section 2, held against `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// A crate of ours.
struct Layer {
    name: &'static str,
    /// Ours that it may depend on.
    ours: &'static [&'static str],
    /// Foreign crates that it may name.
    theirs: &'static [&'static str],
    /// What must not even come with something else.
    unreachable: &'static [&'static str],
}

/// The kernel's and the runtime's side, which code that only computes can't reach.
const EFFECTS: &[&str] =
    &["tokio", "nix", "libc", "netlink-sys", "netlink-packet-core", "rtnetlink", "netns-rs"];

const LAYERS: [Layer; 10] = [
    Layer {
        name: "cni",
        ours: &[],
        theirs: &["ipnetwork", "serde", "serde_json", "thiserror"],
        unreachable: EFFECTS,
    },
    Layer {
        name: "netstate",
        ours: &[],
        theirs: &["ipnetwork", "sha2", "thiserror"],
        unreachable: &[
            "tokio",
            "nix",
            "netlink-sys",
            "netlink-packet-core",
            "rtnetlink",
            "netns-rs",
            "serde_json",
        ],
    },
    Layer {
        name: "host",
        ours: &["netstate"],
        theirs: &[
            "ipnetwork",
            "libc",
            "netlink-packet-core",
            "netlink-packet-netfilter",
            "netlink-packet-route",
            "netlink-sys",
            "netns-rs",
            "nix",
            "rtnetlink",
            "rustbus",
            "sha2",
            "thiserror",
            "xattr",
        ],
        unreachable: &["kube", "serde_json"],
    },
    Layer {
        name: "ipam",
        ours: &["cni", "netstate", "host"],
        theirs: &["ipnetwork", "serde", "serde_json", "sha2", "smoltcp", "thiserror"],
        unreachable: &["kube"],
    },
    Layer {
        name: "plugins",
        ours: &["cni", "netstate", "host", "ipam"],
        theirs: &["dlmalloc", "ipnetwork", "regex-lite", "serde", "serde_json", "sha2", "thiserror"],
        unreachable: &["kube"],
    },
    Layer {
        name: "routed-agent",
        ours: &["cni", "netstate", "host"],
        theirs: &[
            "futures",
            "http",
            "http-body-util",
            "hyper",
            "hyper-util",
            "inotify",
            "ipnetwork",
            "k8s-openapi",
            "kube",
            "prometheus-client",
            "regex-lite",
            "serde",
            "serde_json",
            "serde_yaml_ng",
            "socket2",
            "thiserror",
            "tokio",
            "tracing",
            "tracing-subscriber",
        ],
        unreachable: &["plugins", "ipam", "openssl"],
    },
    Layer {
        name: "sandbox",
        ours: &[],
        theirs: &["netns-rs", "nix", "seccompiler", "serde_json", "socket2"],
        unreachable: &["cni", "netstate", "host", "ipam", "plugins"],
    },
    Layer {
        name: "conformance",
        ours: &["sandbox"],
        theirs: &["nix", "serde_json", "thiserror"],
        unreachable: &["cni", "netstate", "host", "ipam", "plugins", "routed-agent"],
    },
    Layer {
        name: "bench",
        ours: &["sandbox"],
        theirs: &["nix", "serde_json", "sha2"],
        unreachable: &["cni", "netstate", "host", "ipam", "plugins", "routed-agent"],
    },
    Layer {
        name: "cluster",
        ours: &["sandbox"],
        theirs: &["ipnetwork", "nix", "serde_json"],
        unreachable: &["cni", "netstate", "host", "ipam", "plugins", "routed-agent"],
    },
];

/// What tests may use beside what their crate may.
const TESTS: [&str; 9] =
    ["bench", "sandbox", "expect-test", "cni-plugin", "serde_json", "nix", "netns-rs", "libc", "xattr"];

#[test]
fn every_crate_is_in_the_table_and_sees_only_what_it_may() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in members(&metadata) {
        let name = text(&package["name"]);
        let Some(layer) = LAYERS.iter().find(|layer| layer.name == name) else {
            wrong.push(format!("{name} has no row in the table"));
            continue;
        };
        for dependency in list(&package["dependencies"]) {
            let seen = text(&dependency["name"]);
            let of_tests = dependency["kind"] == "dev" && TESTS.contains(&seen);
            if !layer.ours.contains(&seen) && !layer.theirs.contains(&seen) && !of_tests {
                wrong.push(format!("{name} must not depend on {seen}"));
            }
        }
        let reached = reachable(&metadata, text(&package["id"]));
        for forbidden in layer.unreachable.iter().filter(|name| reached.contains(**name)) {
            wrong.push(format!("{name} must not see {forbidden}, which comes with something it depends on"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--all-features", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo runs where its tests run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

fn members(metadata: &Value) -> impl Iterator<Item = &Value> {
    let members = list(&metadata["workspace_members"]);
    list(&metadata["packages"]).iter().filter(move |package| members.contains(&package["id"]))
}

/// The names of all that is linked into this package, over any number of steps; not what only its tests use.
fn reachable(metadata: &Value, root: &str) -> BTreeSet<String> {
    let names: BTreeMap<&str, &str> = list(&metadata["packages"])
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).iter().map(|node| (text(&node["id"]), node)).collect();
    let mut seen = BTreeSet::new();
    let mut ahead = vec![root];
    while let Some(id) = ahead.pop() {
        for dependency in list(&nodes[id]["deps"]) {
            let linked = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            let id = text(&dependency["pkg"]);
            if linked && seen.insert(names[id].to_owned()) {
                ahead.push(id);
            }
        }
    }
    seen
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
