//! In place of the reference: pods that its plugins made, of both releases and with each backend, under random names.
//! Then our plugins are installed over them.

use std::path::{Path, PathBuf};

use sandbox::{Allowed, Call, Node, Place, Pod, Snapshot};
use serde_json::{Value, json};

use crate::network::{BINARY, Network, naming, standing, written};

/// Who made the pods, and how.
#[derive(Clone, Copy)]
struct Maker {
    release: Release,
    /// `ipMasqBackend`, where the release knows it.
    backend: Option<&'static str>,
    tool: Tool,
}

#[derive(Clone, Copy, PartialEq)]
enum Release {
    /// 1.1.1.
    Debian,
    /// 1.9.1.
    Latest,
}

/// What the plugin finds as `iptables`.
#[derive(Clone, Copy, PartialEq)]
enum Tool {
    Nft,
    Legacy,
}

impl Release {
    fn directory(self) -> PathBuf {
        match self {
            Self::Debian => PathBuf::from("/usr/lib/cni"),
            Self::Latest => std::env::var_os("TRESTLE_REFERENCE")
                .map_or_else(|| sandbox::cached("plugins-1.9.1"), PathBuf::from),
        }
    }

    fn versions(self) -> &'static [&'static str] {
        match self {
            Self::Debian => &["0.4.0", "1.0.0"],
            Self::Latest => &["0.4.0", "1.0.0", "1.1.0"],
        }
    }
}

/// The forms in which a DEL comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Whole,
    NoPrevResult,
    NoNamespace,
    Gone,
    GoneAndNoPrevResult,
    NothingKnown,
}

const FORMS: [Form; 6] = [
    Form::Whole,
    Form::NoPrevResult,
    Form::NoNamespace,
    Form::Gone,
    Form::GoneAndNoPrevResult,
    Form::NothingKnown,
];

/// A node with the release's plugins, on which `iptables` is the tool.
struct Stage {
    node: Node,
    maker: Maker,
}

impl Stage {
    fn new(maker: Maker) -> Self {
        let node = Node::enter();
        node.install_from(&maker.release.directory(), &["bridge", "host-local"]);
        let suffix = if maker.tool == Tool::Legacy { "legacy" } else { "nft" };
        node.sh(&format!(
            "mkdir /run/tool; for family in iptables ip6tables; do
                 ln -s $(command -v $family-{suffix}) /run/tool/$family
             done"
        ));
        Self { node, maker }
    }

    fn network(&self, version: &str) -> Network<'_> {
        let network = Network::served_by(&self.node, Path::new("/opt/cni/bin"), "refnet");
        let network = network.with(&json!({ "cniVersion": version }));
        match self.maker.backend {
            Some(backend) => network.with(&json!({ "ipMasqBackend": backend })),
            None => network,
        }
    }

    /// ADD by whichever plugins are installed.
    fn add(&self, version: &str, pod: &Pod) -> Value {
        call(&self.network(version), pod).command("ADD").run().result()
    }

    fn check(&self, version: &str, pod: &Pod, result: &Value) -> sandbox::Reply {
        let network = self.network(version);
        let conf = network.conf(&json!({ "prevResult": result }));
        call(&network, pod).command("CHECK").conf(conf).run()
    }

    /// DEL by ours, in one of the forms. The pod is gone then.
    fn del(&self, version: &str, made: Made, form: Form) {
        let Made { pod, result } = made;
        let network = self.network(version);
        let call = call(&network, &pod).command("DEL");
        let whole = call.clone().conf(network.conf(&json!({ "prevResult": result })));
        let nowhere = |call: Call| call.env("CNI_NETNS", "");
        let call = match form {
            Form::Whole | Form::Gone => whole,
            Form::NoPrevResult | Form::GoneAndNoPrevResult => call,
            Form::NoNamespace => nowhere(whole),
            Form::NothingKnown => nowhere(call),
        };
        if matches!(form, Form::Gone | Form::GoneAndNoPrevResult | Form::NothingKnown) {
            pod.remove();
            call.run().succeeded();
        } else {
            call.run().succeeded();
            assert_eq!(pod.links(), ["lo"], "{form:?}");
        }
        // A second DEL has nothing to do.
        call.run().succeeded();
    }

    /// Whatever still names the container: rules of every kind, files and what they say.
    fn traces(&self, container: &str) -> String {
        let legacy =
            if self.maker.tool == Tool::Legacy { "iptables-legacy-save; ip6tables-legacy-save" } else { "" };
        let rules = self.node.sh(&format!("nft list ruleset; {legacy}")).stdout;
        naming(&(rules + &written().join("\n")), container)
    }

    fn install_ours(&self) {
        self.node.exec(&[BINARY, "install", "/opt/cni/bin"]);
    }
}

/// A call for which `iptables` is the stage's.
fn call(network: &Network, pod: &Pod) -> Call {
    let path = std::env::var("PATH").expect("a test has a PATH");
    network.call(pod).env("PATH", &format!("/run/tool:{path}"))
}

/// A pod and what its ADD answered.
struct Made {
    pod: Pod,
    result: Value,
}

/// What the reference itself leaves, and what the bridge learned of links that were gone before their DEL.
const REFERENCE: [Allowed; 3] = [
    Allowed::RulesOf("cni_plugins_masquerade"),
    Allowed::Containing("/run/xtables.lock"),
    Allowed::Containing("Neighbour {\"dst\":\"fe80:"),
];

/// Every form of DEL after a CHECK, beside a pod that stays as it is.
fn ours_take_over(stage: &Stage) {
    let before = Snapshot::take(&stage.node).forgiving(&standing()).forgiving(&REFERENCE);
    let versions = stage.maker.release.versions();
    let version = |number: usize| versions[number % versions.len()];
    let stays = stage.node.pod("stays");
    let kept = stage.add(versions[0], &stays);
    let pods: Vec<_> = FORMS
        .iter()
        .enumerate()
        .map(|(number, form)| {
            let pod = stage.node.pod(&format!("{form:?}"));
            let result = stage.add(version(number), &pod);
            assert_ne!(stage.traces(pod.name()), "");
            (number, *form, Made { pod, result })
        })
        .collect();
    stage.install_ours();
    for (number, form, made) in pods {
        stage.check(version(number), &made.pod, &made.result).succeeded();
        let name = made.pod.name().to_owned();
        stage.del(version(number), made, form);
        assert_eq!(stage.traces(&name), "", "{form:?}");
    }
    stage.check(versions[0], &stays, &kept).succeeded();
    stays.ping("10.1.2.1");
    stays.ping("fd01:2::1");
    stage.del(versions[0], Made { pod: stays, result: kept }, Form::Whole);
    before.assert_same(&Snapshot::take(&stage.node));
}

#[test]
fn pods_of_1_1_1() {
    ours_take_over(&Stage::new(Maker { release: Release::Debian, backend: None, tool: Tool::Nft }));
}

#[test]
fn pods_of_1_9_1_by_iptables() {
    ours_take_over(&Stage::new(Maker {
        release: Release::Latest,
        backend: Some("iptables"),
        tool: Tool::Nft,
    }));
}

#[test]
fn pods_of_1_9_1_by_nftables() {
    ours_take_over(&Stage::new(Maker {
        release: Release::Latest,
        backend: Some("nftables"),
        tool: Tool::Nft,
    }));
}

/// Where the kernel has no legacy tables the reference can make no such pod, and says so.
fn by_legacy(release: Release) {
    let stage = Stage::new(Maker { release, backend: None, tool: Tool::Legacy });
    if stage.node.try_exec(&["iptables-legacy", "-t", "nat", "-S"]).code == 0 {
        ours_take_over(&stage);
    } else {
        let pod = stage.node.pod("none");
        let _ = call(&stage.network("1.0.0"), &pod).command("ADD").run().error();
    }
}

#[test]
fn pods_of_1_1_1_by_xtables_legacy() {
    by_legacy(Release::Debian);
}

#[test]
fn pods_of_1_9_1_by_xtables_legacy() {
    by_legacy(Release::Latest);
}

#[test]
fn check_misses_rules_of_the_reference_that_somebody_flushed() {
    let makers = [(Release::Debian, None), (Release::Latest, Some("nftables"))];
    for (release, backend) in makers {
        let stage = Stage::new(Maker { release, backend, tool: Tool::Nft });
        let pod = stage.node.pod("a");
        let result = stage.add("1.0.0", &pod);
        stage.install_ours();
        stage.check("1.0.0", &pod, &result).succeeded();
        stage.node.exec(&["nft", "flush", "ruleset"]);
        let error = stage.check("1.0.0", &pod, &result).error();
        assert!(error["msg"].as_str().is_some_and(|text| text.contains("masquerade")), "{error}");
    }
}

/// Both on one bridge and in one directory of addresses.
#[test]
fn pods_of_both_live_side_by_side() {
    let stage = Stage::new(Maker { release: Release::Latest, backend: Some("nftables"), tool: Tool::Nft });
    let [old, new] = ["old", "new"].map(|name| stage.node.pod(name));
    let olds = stage.add("1.1.0", &old);
    stage.install_ours();
    let news = stage.add("1.1.0", &new);
    assert_ne!(olds["ips"][0]["address"], news["ips"][0]["address"]);
    for (pod, result, other) in [(&old, &olds, &news), (&new, &news, &olds)] {
        stage.check("1.1.0", pod, result).succeeded();
        for family in 0..2 {
            let address = other["ips"][family]["address"].as_str().expect("an address");
            pod.ping(address.split('/').next().unwrap_or(address));
        }
    }
    stage.network("1.1.0").status().succeeded();
    stage.network("1.1.0").gc_but(&["old", "new"]);
    stage.check("1.1.0", &old, &olds).succeeded();
    stage.check("1.1.0", &new, &news).succeeded();
}

/// A node may go back.
#[test]
fn the_reference_takes_a_pod_of_ours_away_but_for_its_rules_which_gc_takes() {
    let stage = Stage::new(Maker { release: Release::Latest, backend: None, tool: Tool::Nft });
    let before = Snapshot::take(&stage.node).forgiving(&standing()).forgiving(&REFERENCE);
    let pod = stage.node.pod("a");
    stage.install_ours();
    let result = stage.add("1.1.0", &pod);
    stage.node.install_from(&Release::Latest.directory(), &["bridge", "host-local"]);
    let network = stage.network("1.1.0");
    let del = call(&network, &pod).command("DEL").conf(network.conf(&json!({ "prevResult": result })));
    del.run().succeeded();
    assert_eq!(pod.links(), ["lo"]);
    drop(pod);
    stage.install_ours();
    network.gc_but(&[]);
    before.assert_same(&Snapshot::take(&stage.node));
}
