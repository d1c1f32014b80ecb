//! An agent in a Pod, whose token, CA bundle and clock are at times not what they should be.

use std::path::Path;

use sandbox::{ApiServer, Daemon, Node, PATIENCE, Place, Renewed, eventually};
use serde_json::json;

/// The binary under test.
const AGENT: &str = env!("CARGO_BIN_EXE_routed-agent");

/// What a kubelet mounts into a Pod.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What the agent's clock is said to show.
const CLOCK: &str = "/run/clock";

/// The agent as its Pod starts it, with a clock of its own (libfaketime). Time goes by as ever.
const START: &str = "LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) FAKETIME_TIMESTAMP_FILE=/run/clock FAKETIME_NO_CACHE=1 \
    FAKETIME_DONT_FAKE_MONOTONIC=1 exec \"$@\"";

/// The agent of node `n1`, and its server.
struct Pod<'node> {
    node: &'node Node,
    api: ApiServer<'node>,
    daemon: Daemon,
    /// Its first.
    token: String,
}

impl<'node> Pod<'node> {
    fn start(node: &'node Node, clock: &str) -> Self {
        node.sh("ip link add uplink type bridge; ip addr add 192.0.2.1/24 dev uplink; ip link set uplink up");
        let api = ApiServer::start(node);
        api.apply_path(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/trestle.yaml"));
        api.create_node("n1", "10.244.1.0/24", "192.0.2.1");
        mount(node, "ca.crt", &api.bundle());
        mount(node, "namespace", "trestle");
        let token = mount_token(node, &api);
        node.write("/run/net-conf.json", r#"{"Network": "10.244.0.0/16", "Backend": {"Type": "host-gw"}}"#);
        node.write(CLOCK, clock);
        let server = api.address();
        let host = format!("KUBERNETES_SERVICE_HOST={}", server.ip());
        let port = format!("KUBERNETES_SERVICE_PORT={}", server.port());
        let flags = [
            "--node-name=n1",
            "--iface=uplink",
            "--net-config-path=/run/net-conf.json",
            "--set-node-network-unavailable=false",
        ];
        let words = [&["env", &host, &port, "sh", "-c", START, "sh", AGENT, "run"], &flags[..]].concat();
        let daemon = Daemon::start(&words, Path::new("/run/agent.log"));
        Self { node, api, daemon, token }
    }

    /// What the agent is told of another Node stands in the kernel soon.
    fn learns(&self, number: u8) {
        self.create(number);
        self.hears_of(number);
    }

    /// Another Node, with the annotations of its agent.
    fn create(&self, number: u8) {
        self.api.create(&json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": format!("n{number}"), "annotations": {
                "flannel.alpha.coreos.com/backend-type": "host-gw",
                "flannel.alpha.coreos.com/backend-data": "null",
                "flannel.alpha.coreos.com/kube-subnet-manager": "true",
                "flannel.alpha.coreos.com/public-ip": format!("192.0.2.{number}"),
            }},
            "spec": {"podCIDR": format!("10.244.{number}.0/24"), "podCIDRs": [format!("10.244.{number}.0/24")]},
        }));
    }

    fn hears_of(&self, number: u8) {
        let came = eventually(PATIENCE * 3, || self.knows(number));
        assert!(came, "n{number}: {}\n{}", self.status(), self.daemon.said());
    }

    fn knows(&self, number: u8) -> bool {
        let subnet = format!("10.244.{number}.0/24");
        self.node.exec(&["ip", "route", "show", &subnet]).stdout.contains(&format!("via 192.0.2.{number} "))
    }

    fn status(&self) -> String {
        self.node.try_exec(&[AGENT, "status"]).stdout
    }

    /// Ends the agent's connections to the server as they are next used. New ones it may have.
    fn cut(&self) {
        let id = format!("pid={},", self.daemon.id());
        let shown = self.node.exec(&["ss", "-tnpH", "state", "established", "dport", "=", ":6443"]).stdout;
        let own = shown.lines().filter(|line| line.contains(&id));
        let port =
            |line: &str| line.split_whitespace().nth(2)?.rsplit_once(':').map(|(_, port)| port.to_owned());
        let ports: Vec<String> = own.filter_map(port).collect();
        assert!(!ports.is_empty(), "no watch is open:\n{shown}");
        // tcp dport 6443 tcp sport { PORT, … } reject with tcp reset
        self.node.sh(&format!(
            "nft 'add table inet cut
                  add chain inet cut output {{ type filter hook output priority 0; }}
                  add rule inet cut output tcp dport 6443 tcp sport {{ {} }} reject with tcp reset'",
            ports.join(", ")
        ));
    }

    /// Waits until the agent says why it hears nothing.
    fn complains(&self, reason: &str) {
        let came = eventually(PATIENCE * 3, || self.status().contains(reason));
        assert!(came, "not {reason:?}: {}\n{}", self.status(), self.daemon.said());
    }
}

/// What the kubelet does when it renews a file: it is another at once.
fn mount(node: &Node, name: &str, text: &str) {
    node.write(format!("{ACCOUNT}/{name}.new"), text);
    node.exec(&["mv", &format!("{ACCOUNT}/{name}.new"), &format!("{ACCOUNT}/{name}")]);
}

/// A new token of the agent's Pod, in its place.
fn mount_token(node: &Node, api: &ApiServer) -> String {
    let token = api.pod_token("trestle", "routed-agent", "n1");
    mount(node, "token", &token);
    token
}

#[test]
fn an_agent_goes_on_by_itself_once_its_clock_its_token_and_its_ca_bundle_are_right() {
    let node = Node::enter();
    // A machine without a battery boots in 1970.
    let mut pod = Pod::start(&node, "1970-01-02 00:00:00");
    pod.complains("not valid yet");
    node.write(CLOCK, "+0");
    pod.learns(2);

    // Whom a server has let in it goes on telling, whatever becomes of the token; who asks again is refused.
    let revoked = ["delete", "pod", "-n=trestle", "routed-agent-n1", "--force", "--grace-period=0"];
    pod.api.kubectl(&revoked);
    let nobodys = eventually(PATIENCE * 3, || pod.api.kubectl_of(&pod.token, &["get", "nodes"]).code != 0);
    assert!(nobodys, "the token of a Pod that is gone");
    pod.learns(3);
    pod.cut();
    pod.create(4);
    pod.complains("watching the Nodes: the API server answers 401 Unauthorized");
    assert!(pod.knows(3), "nothing is taken away meanwhile");
    mount_token(&node, &pod.api);
    pod.hears_of(4);

    pod.api.renew(&[Renewed::Accounts, Renewed::Certificate]);
    pod.complains("certificate");
    mount(&node, "ca.crt", &pod.api.bundle());
    pod.complains("Unauthorized");
    assert!(pod.knows(4), "nothing is taken away meanwhile");
    mount_token(&node, &pod.api);
    pod.learns(5);
}
