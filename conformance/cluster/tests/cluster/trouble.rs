//! Trouble is told where people look: by the agent's own program, and as an Event.

use cluster::{Agents, Cluster};
use sandbox::{PATIENCE, Place, eventually};
use serde_json::Value;

/// udp dport 8472 drop
const BLOCK: &str = "nft 'add table inet block
    add chain inet block output { type filter hook output priority 0; }
    add rule inet block output udp dport 8472 drop'";

/// A firewall on the first node blocks the tunnel: a probe says so, and an Event at that Node, for both families.
pub(crate) fn all(cluster: &Cluster) {
    let node = &cluster.nodes()[0];
    let agents = Agents::of(cluster);
    let words = [
        "exec",
        "-n=trestle",
        agents.on(node.name()),
        "-c=agent",
        "--",
        "/routed-agent",
        "status",
        "--probe",
    ];
    node.sh(BLOCK);
    let mut last = None;
    let blocked = eventually(PATIENCE, || {
        let said = last.insert(cluster.try_kubectl(&words));
        let found = said.stdout.lines().filter(|line| line.contains("blocked outward")).count();
        said.code != 0 && found == 2 * (cluster.nodes().len() - 1)
    });
    node.sh("nft delete table inet block");
    assert!(blocked, "{last:?}");
    let mut events = Value::Null;
    let told = eventually(PATIENCE, || {
        events = cluster.get(&["events", "-n=default", "--field-selector=reason=ProbeFailed"]);
        let all = events["items"].as_array().into_iter().flatten();
        let about = |event: &&Value| {
            event["involvedObject"]["kind"] == "Node"
                && event["involvedObject"]["name"] == node.name()
                && event["type"] == "Warning"
                && event["message"].as_str().is_some_and(|said| said.contains("blocked outward"))
        };
        all.filter(about).count() > 0
    });
    assert!(told, "{events}");
    let mut last = None;
    let whole = eventually(PATIENCE, || last.insert(cluster.try_kubectl(&words)).code == 0);
    assert!(whole, "{last:?}");
}
