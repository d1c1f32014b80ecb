//! The source against a real API server.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sandbox::{ApiServer, NOBODY, Node as Machine, PATIENCE};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Interest, Kubernetes};
use crate::client::Access;
use crate::node::{Annotations, Node};
use crate::source::News;

/// The user agent of the source's requests.
const AGENT: &str = "trestle-routed-agent";

/// A source and whoever listens to it, who knows what the agent would know.
struct Listener {
    runtime: Runtime,
    news: mpsc::Receiver<News>,
    known: BTreeMap<String, Node>,
}

impl Listener {
    fn start(kubeconfig: PathBuf) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (sender, news) = mpsc::channel(1);
        let access = Access { kubeconfig: Some(kubeconfig), url: None };
        let interest = Interest { prefix: "flannel.alpha.coreos.com/".to_owned(), own: "n1".to_owned() };
        runtime.spawn(Kubernetes::new(access, interest, sender).follow());
        Self { runtime, news, known: BTreeMap::new() }
    }

    /// The next news.
    fn next(&mut self) -> News {
        let news = self.runtime.block_on(async { timeout(PATIENCE * 3, self.news.recv()).await });
        let news = news.expect("news come in time").expect("the source goes on");
        match &news {
            News::All(nodes) => {
                self.known = nodes.iter().map(|node| (node.name.clone(), node.clone())).collect();
            }
            News::Changed(node) => {
                self.known.insert(node.name.clone(), (**node).clone());
            }
            News::Gone(name) => {
                assert!(self.known.remove(name).is_some(), "{name} goes, and was never there");
            }
            News::Lost(_) | News::Back => {}
        }
        news
    }

    fn all(&mut self) -> Vec<Node> {
        match self.next() {
            News::All(nodes) => nodes,
            other => panic!("a list was due: {other:?}"),
        }
    }

    fn changed(&mut self) -> Node {
        match self.next() {
            News::Changed(node) => *node,
            other => panic!("a change was due: {other:?}"),
        }
    }

    fn lost(&mut self) -> String {
        match self.next() {
            News::Lost(reason) => reason,
            other => panic!("no news were to be had, and yet: {other:?}"),
        }
    }

    /// Waits until this is why. It may be told in other words before.
    fn lost_by(&mut self, reason: &str) {
        while !self.lost().contains(reason) {}
    }

    /// Everything up to `Back`, between which the reason may be told in other words.
    fn until_back(&mut self) -> Vec<News> {
        let mut all = Vec::new();
        loop {
            match self.next() {
                News::Back => return all,
                News::Lost(_) => {}
                other => all.push(other),
            }
        }
    }

    fn known(&self) -> Vec<&str> {
        self.known.keys().map(String::as_str).collect()
    }
}

/// Verb and what of the query says how.
fn asked(api: &ApiServer) -> Vec<&'static str> {
    let requests = api.requests(AGENT);
    let begun =
        requests.iter().filter(|request| request.verb == "list" || request.stage == "ResponseStarted");
    begun
        .map(|request| match request.verb.as_str() {
            "list" if request.uri.contains("continue=") => "next page",
            "list" => "page",
            _ if request.uri.contains("sendInitialEvents=true") => "stream",
            _ => "watch",
        })
        .collect()
}

#[test]
fn a_list_is_followed_by_what_changes_for_us_and_by_nothing_else() {
    let machine = Machine::enter();
    let api = ApiServer::start(&machine);
    api.create_node("n1", "10.244.1.0/24", "192.0.2.1");
    api.create_node("n2", "10.244.2.0/24", "192.0.2.2");
    let mut listener = Listener::start(api.kubeconfig());

    let nodes = listener.all();
    let summary: Vec<_> =
        nodes.iter().map(|node| (&*node.name, &*node.pod_cidrs, &*node.internal_addresses)).collect();
    let text = |text: &str| vec![text.to_owned()];
    assert_eq!(
        summary,
        [
            ("n1", &*text("10.244.1.0/24"), &*text("192.0.2.1")),
            ("n2", &*text("10.244.2.0/24"), &*text("192.0.2.2")),
        ]
    );
    assert!(nodes.iter().all(|node| node.annotations == Annotations::default()
        && !node.uid.is_empty()
        && !node.created.is_empty()));

    // Nothing of this is ours: a label, an annotation, a condition of another Node.
    api.kubectl(&["label", "node", "n2", "size=large"]);
    api.kubectl(&["annotate", "node", "n2", "example.com/size=large"]);
    let condition =
        r#"{"status":{"conditions":[{"type":"NetworkUnavailable","status":"False","reason":"Up"}]}}"#;
    api.kubectl(&["patch", "node", "n2", "--subresource=status", "-p", condition]);
    // These are, and are the next that is told.
    api.kubectl(&["annotate", "node", "n2", "flannel.alpha.coreos.com/backend-type=vxlan"]);
    let changed = listener.changed();
    assert_eq!((&*changed.name, changed.annotations.get("backend-type")), ("n2", Some("vxlan")));
    api.kubectl(&["patch", "node", "n1", "--subresource=status", "-p", condition]);
    let unavailable = listener.changed().unavailable.expect("the condition");
    assert_eq!((&*unavailable.status, &*unavailable.reason), ("False", "Up"));
    api.kubectl(&["delete", "node", "n2"]);
    assert_eq!(listener.next(), News::Gone("n2".to_owned()));
    api.create_node("n3", "10.244.3.0/24", "192.0.2.3");
    assert_eq!(listener.changed().name, "n3");
    assert_eq!(asked(&api), ["stream"]);
}

#[test]
fn a_server_that_streams_no_lists_is_asked_for_pages() {
    let machine = Machine::enter();
    let api = ApiServer::with(&machine, &["--feature-gates=WatchList=false"]);
    api.create_nodes(260);
    let mut listener = Listener::start(api.kubeconfig());
    assert_eq!(listener.all().len(), 260);
    api.kubectl(&["delete", "node", "node-7"]);
    assert_eq!(listener.next(), News::Gone("node-7".to_owned()));
    // The server begins to answer before it refuses.
    assert_eq!(asked(&api), ["stream", "page", "next page", "watch"]);
}

#[test]
fn a_list_that_is_cut_off_is_none() {
    let machine = Machine::enter();
    let api = ApiServer::start(&machine);
    api.create_nodes(260);
    let (relay, kubeconfig) = api.relay();
    // The handshake and a part of the Nodes.
    relay.cut_after(60_000);
    let mut listener = Listener::start(kubeconfig);
    let reason = listener.lost();
    assert!(reason.starts_with("listing the Nodes") || reason.starts_with("watching the Nodes"), "{reason}");
    assert!(asked(&api).contains(&"stream"));
    relay.mend();
    let told = listener.until_back();
    assert!(matches!(&told[..], [News::All(nodes)] if nodes.len() == 260), "{told:?}");
}

#[test]
fn a_watch_that_was_cut_goes_on_where_it_was() {
    let machine = Machine::enter();
    let api = ApiServer::start(&machine);
    api.create_node("n1", "10.244.1.0/24", "192.0.2.1");
    api.create_node("n2", "10.244.2.0/24", "192.0.2.2");
    let (relay, kubeconfig) = api.relay();
    let mut listener = Listener::start(kubeconfig);
    listener.all();
    relay.cut();
    listener.lost();
    api.kubectl(&["delete", "node", "n2"]);
    api.create_node("n3", "10.244.3.0/24", "192.0.2.3");
    relay.mend();
    listener.until_back();
    while listener.known() != ["n1", "n3"] {
        listener.next();
    }
    let asked = asked(&api);
    assert!(asked[0] == "stream" && asked[1..].iter().all(|what| *what == "watch"), "{asked:?}");
}

#[test]
fn a_server_that_forgot_our_position_is_asked_for_a_new_list() {
    let machine = Machine::enter();
    let mut api = ApiServer::start(&machine);
    api.create_node("n1", "10.244.1.0/24", "192.0.2.1");
    api.create_node("n2", "10.244.2.0/24", "192.0.2.2");
    let (relay, kubeconfig) = api.relay();
    let mut listener = Listener::start(kubeconfig);
    listener.all();
    relay.cut();
    listener.lost();
    // What it knew beyond etcd goes with the process.
    api.kubectl(&["delete", "node", "n2"]);
    api.create_node("n3", "10.244.3.0/24", "192.0.2.3");
    api.kill();
    api.start_again();
    relay.mend();
    let told = listener.until_back();
    while listener.known() != ["n1", "n3"] {
        listener.next();
    }
    assert!(told.iter().all(|news| !matches!(news, News::Gone(_))), "{told:?}");
    assert_eq!(asked(&api).iter().filter(|what| **what == "stream").count(), 2);
}

#[test]
fn a_server_that_is_killed_is_lost_and_then_back_and_nothing_is_missed() {
    let machine = Machine::enter();
    let mut api = ApiServer::start(&machine);
    api.create_node("n1", "10.244.1.0/24", "192.0.2.1");
    let mut listener = Listener::start(api.kubeconfig());
    listener.all();
    api.kill();
    listener.lost_by("refused");
    assert_eq!(listener.known(), ["n1"]);
    api.start_again();
    listener.until_back();
    api.create_node("n2", "10.244.2.0/24", "192.0.2.2");
    while listener.known() != ["n1", "n2"] {
        listener.next();
    }
}

#[test]
fn a_server_that_is_absent_or_refuses_us_is_asked_until_it_answers() {
    let machine = Machine::enter();
    let mut api = ApiServer::start(&machine);
    api.create_node("n1", "10.244.1.0/24", "192.0.2.1");
    // In turn: no kubeconfig, no server, an unknown token, no right to list Nodes.
    let kubeconfig = PathBuf::from("/run/kubeconfig");
    let mut listener = Listener::start(kubeconfig.clone());
    listener.lost_by("the kubeconfig file /run/kubeconfig");
    api.kill();
    copy(&api.kubeconfig_of("a-strangers-token"), &kubeconfig);
    listener.lost_by("refused");
    api.start_again();
    listener.lost_by("401 Unauthorized");
    copy(&api.kubeconfig_of(NOBODY), &kubeconfig);
    listener.lost_by("403 Forbidden");
    api.kubectl(&["create", "clusterrole", "reader", "--verb=list,watch", "--resource=nodes"]);
    api.kubectl(&["create", "clusterrolebinding", "reader", "--clusterrole=reader", "--user=nobody"]);
    assert!(matches!(&listener.until_back()[..], [News::All(nodes)] if nodes.len() == 1));
}

/// In one step, so that nobody reads half a file.
fn copy(from: &PathBuf, to: &PathBuf) {
    let new = to.with_extension("new");
    std::fs::copy(from, &new).unwrap();
    std::fs::rename(&new, to).unwrap();
}
