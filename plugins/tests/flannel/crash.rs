//! SIGKILL after every change of ADD and of DEL: whatever is half made, DEL or GC takes away.

use sandbox::{Allowed, End, Snapshot, Victims, kill_after, kill_ever_later};
use serde_json::json;

use crate::network::{DUAL, kube_flannel, with};
use crate::stage::{Stage, all_saved};

/// Our own changes are killed after; what the delegate makes of a kill is its own tests' matter. A second
/// attachment of the container stays through all of it.
fn kill_everywhere(command: &str) {
    let stage = Stage::spied_on(DUAL);
    let pod = stage.node.pod("p1");
    let conf = kube_flannel("1.1.0");
    let call = stage.call(&pod, &conf);
    let other = stage.call(&pod, &conf).ifname("net1");
    other.clone().command("ADD").run().succeeded();
    let standing = all_saved(&stage.node);
    let valid = json!([{ "containerID": "p1", "ifname": "net1" }]);
    let gc = stage.about(&with(&conf, "cni.dev/valid-attachments", valid)).command("GC");
    let before = Snapshot::take(&stage.node).forgiving(&[Allowed::Containing("/run/sandbox-spy")]);
    kill_ever_later(|calls| {
        if command == "DEL" {
            call.clone().command("ADD").run().succeeded();
        }
        let end = kill_after(&call.clone().command(command), calls, Victims::Plugin);
        if calls % 2 == 0 || matches!(end, End::Itself(_)) {
            call.clone().command("DEL").run().succeeded();
        } else {
            gc.run().succeeded();
        }
        assert_eq!(all_saved(&stage.node), standing, "call {calls}: {end:?}");
        end
    });
    before.assert_same(&Snapshot::take(&stage.node));
    other.command("DEL").run().succeeded();
    assert_eq!(all_saved(&stage.node), "");
}

#[test]
fn an_add_may_be_killed_after_every_change() {
    kill_everywhere("ADD");
}

#[test]
fn a_del_may_be_killed_after_every_change() {
    kill_everywhere("DEL");
}
