//! SIGKILL after every third change of ADD and of DEL: whatever is half made, DEL or GC takes
//! away, no link is left on the host, and a device is at home again. `tests/crash` kills bridge's at every single one.

use sandbox::{Allowed, End, Place, Pod, Snapshot, Victims, kill_after, stride};
use serde_json::Value;

use crate::stage::{Stage, link, v4};

/// A trial in so many at least.
const STRIDE: usize = 3;

/// How the pieces are taken away.
fn clear(stage: &Stage, pod: &Pod, conf: &Value, trial: usize) {
    match trial % 3 {
        0 => stage.call(pod, conf).command("DEL").run().succeeded(),
        1 => stage.call(pod, conf).without("CNI_NETNS").command("DEL").run().succeeded(),
        _ => stage.gc(conf, &[]),
    }
}

/// Kills `command` after more and more changes, until it comes to its end by itself.
fn kill_everywhere(conf: &Value, command: &str) {
    let (stage, _router) = Stage::with_router();
    stage.node.sh("ip link add dev0 type veth peer name far0; ip link set far0 up");
    // What an ADD makes for all that come.
    let first = stage.node.pod("p0");
    stage.add(&first, conf);
    stage.call(&first, conf).command("DEL").run().succeeded();
    let devices = [Allowed::Containing("dev0"), Allowed::Containing("far0")];
    let before = stage.before().forgiving(&devices);
    let step = STRIDE.max(stride());
    for trial in 1.. {
        let pod = stage.node.pod("p1");
        if command == "DEL" {
            stage.add(&pod, conf);
        }
        let call = stage.call(&pod, conf).command(command);
        let end = kill_after(&call, trial * step, Victims::All);
        clear(&stage, &pod, conf, trial);
        assert_eq!(pod.links(), ["lo"], "{end:?}");
        assert_eq!(link(&stage.node, "dev0")["ifname"], "dev0", "{end:?}");
        let left = before.diff(&Snapshot::take(&stage.node));
        assert_eq!(left, "", "{end:?}");
        if let End::Itself(reply) = end {
            reply.succeeded();
            return;
        }
    }
}

/// ADD and DEL of a network of this plugin with these keys.
pub(crate) fn may_be_killed(plugin: &str, keys: &Value) {
    let conf = v4(plugin, keys);
    for command in ["ADD", "DEL"] {
        kill_everywhere(&conf, command);
    }
}
