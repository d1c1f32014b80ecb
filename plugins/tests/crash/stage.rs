//! A node on which calls are killed.

use std::fs;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sandbox::{Allowed, Call, End, Node, Place, Pod, Snapshot, Victims, kill_after};
use serde_json::{Value, json};

use crate::programs::Programs;
use crate::trials::said;
use crate::ways::WAYS;

/// Upstream's files of the network.
const ADDRESSES: &str = "/var/lib/cni/networks/net";

/// What is killed, and on what node.
#[derive(Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) command: &'static str,
    pub(crate) victims: Victims,
    /// Who is on the node already.
    pub(crate) others: &'static [&'static str],
}

/// A node for trials.
pub(crate) struct Stage<'a> {
    pub(crate) scene: Scene,
    pub(crate) node: &'a Node,
    pub(crate) programs: &'a Programs,
    pub(crate) conf: Value,
    before: Snapshot,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(node: &'a Node, programs: &'a Programs, scene: Scene) -> Self {
        Self { scene, node, programs, conf: conf(), before: Snapshot::take(node) }
    }

    pub(crate) fn call(&self, id: &str) -> Call {
        let Programs { ours, delegates } = self.programs;
        let call = Call::new(ours.join("bridge")).path(delegates.as_ref().unwrap_or(ours).path());
        call.container(id).ifname("eth0").conf(&self.conf)
    }

    /// The node with everybody on it who was there before the trials. Their own links settle meanwhile; that they are
    /// well is a CHECK's to say.
    pub(crate) fn set(&mut self, others: &[Pod]) -> Vec<Value> {
        let attach = |pod: &Pod| self.call(pod.name()).netns(pod).command("ADD").run().result();
        let results: Vec<Value> = others.iter().map(attach).collect();
        let mut allowed = Allowed::after_del("cni0").to_vec();
        allowed.push(Allowed::RulesOf("trestle"));
        for interface in results.iter().filter_map(|result| result["interfaces"].as_array()).flatten().skip(1)
        {
            let (name, mac) = (&interface["name"], &interface["mac"]);
            let own = if interface["sandbox"].is_null() { name } else { mac };
            let own = own.as_str().expect("name and MAC are text").to_owned();
            allowed.push(Allowed::Containing(own.leak()));
        }
        self.before = Snapshot::take(self.node).forgiving(&allowed);
        results
    }

    /// What the node has more than before, or less.
    pub(crate) fn left(&self) -> String {
        self.before.diff(&Snapshot::take(self.node))
    }

    /// An ADD that must work: every address reserved, and once.
    fn attach(&self, pod: &Pod) -> Value {
        let result = self.call(pod.name()).netns(pod).command("ADD").run().result();
        for address in result["ips"].as_array().into_iter().flatten().filter_map(|ip| ip["address"].as_str())
        {
            let file = format!("{ADDRESSES}/{}", address.split('/').next().unwrap_or(address));
            assert_eq!(fs::read_to_string(&file).expect(&file), format!("{}\r\neth0", pod.name()));
        }
        let files = fs::read_dir(ADDRESSES).expect(ADDRESSES).flatten().map(|file| file.file_name());
        let reserved = files.filter(|name| name.to_string_lossy().parse::<IpAddr>().is_ok()).count();
        assert_eq!(reserved, 2 * (1 + self.scene.others.len()), "two addresses for each container: {result}");
        result
    }

    pub(crate) fn check(&self, pod: &Pod, result: &Value) {
        let mut conf = self.conf.clone();
        conf["prevResult"] = result.clone();
        self.call(pod.name()).netns(pod).command("CHECK").conf(conf).run().succeeded();
    }

    /// Kills the call, takes the pieces away and goes on. True where the call came to its end by itself.
    pub(crate) fn trial(&self, calls: usize) -> Result<bool, String> {
        let pod = self.node.pod("c1");
        if self.scene.command == "DEL" {
            let _ = self.attach(&pod);
        }
        let call = self.call("c1").netns(&pod).command(self.scene.command);
        match kill_after(&call, calls, self.scene.victims) {
            End::Itself(reply) => {
                reply.succeeded();
                self.call("c1").netns(&pod).command("DEL").run().succeeded();
                self.forget_pod(&pod, "a DEL leaves something");
                Ok(true)
            }
            End::Killed(after) => {
                let way = WAYS[calls % WAYS.len()];
                let aftermath = catch_unwind(AssertUnwindSafe(|| self.aftermath(&way(self, pod))));
                aftermath.map(|()| false).map_err(|panic| format!("after {after}: {}", said(&*panic)))
            }
        }
    }

    /// Once the pieces are taken away.
    fn aftermath(&self, pod: &Pod) {
        self.forget_pod(pod, "something stays");
        let result = self.attach(pod);
        self.check(pod, &result);
        pod.ping("10.88.0.1");
        self.call("c1").netns(pod).command("DEL").run().succeeded();
        // Where trials follow each other on one node, the next one's comparison is this one's, too.
        if self.scene.others.is_empty() {
            self.forget_pod(pod, "a later DEL leaves something");
        }
    }

    fn forget_pod(&self, pod: &Pod, complaint: &str) {
        assert_eq!(pod.links(), ["lo"], "{complaint}");
        // The pod's own file was not there before.
        let own = [Allowed::Containing("File /run/netns/c1 ")];
        let left = self.before.clone().forgiving(&own).diff(&Snapshot::take(self.node));
        assert_eq!(left, "", "{complaint}");
    }
}

fn conf() -> Value {
    json!({
        "cniVersion": "1.1.0", "name": "net", "type": "bridge", "bridge": "cni0",
        "isDefaultGateway": true, "ipMasq": true, "macspoofchk": true,
        "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.88.0.0/24" }], [{ "subnet": "fd88::/64" }]] },
    })
}
