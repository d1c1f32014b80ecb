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
}

impl<'node> Pod<'node> {
    fn start(node: &'node Node, clock: &str) -> Self {
        node.sh("ip link add uplink type bridge; ip addr add 192.0.2.1/24 dev uplink; ip link set uplink up");
        let api = ApiServer::start(node);
        api.apply_path(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/trestle.yaml"));
        api.create_node("n1", "10.244.1.0/24", "192.0.2.1");
        mount(node, &api);
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
        Self { node, api, daemon }
    }

    /// What the agent is told of another Node stands in the kernel soon.
    fn learns(&self, number: u8) {
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

    /// Waits until the agent says why it hears nothing.
    fn complains(&self, reason: &str) {
        let came = eventually(PATIENCE * 3, || self.status().contains(reason));
        assert!(came, "not {reason:?}: {}\n{}", self.status(), self.daemon.said());
    }
}

/// What the kubelet does when it renews them: each file is another at once.
fn mount(node: &Node, api: &ApiServer) {
    let token = api.pod_token("trestle", "routed-agent", "n1");
    for (name, text) in [("token", token), ("ca.crt", api.bundle()), ("namespace", "trestle".to_owned())] {
        node.write(format!("{ACCOUNT}/{name}.new"), &text);
        node.exec(&["mv", &format!("{ACCOUNT}/{name}.new"), &format!("{ACCOUNT}/{name}")]);
    }
}

#[test]
fn an_agent_goes_on_by_itself_once_its_clock_its_token_and_its_ca_bundle_are_right() {
    let node = Node::enter();
    // A machine without a battery boots in 1970.
    let mut pod = Pod::start(&node, "1970-01-02 00:00:00");
    pod.complains("not valid yet");
    node.write(CLOCK, "+0");
    pod.learns(2);

    pod.api.renew(Renewed::Accounts);
    pod.complains("Unauthorized");
    assert!(pod.knows(2), "nothing is taken away meanwhile");
    mount(&node, &pod.api);
    pod.learns(3);

    pod.api.renew(Renewed::Certificate);
    pod.complains("certificate");
    assert!(pod.knows(3), "nothing is taken away meanwhile");
    mount(&node, &pod.api);
    pod.learns(4);
}
