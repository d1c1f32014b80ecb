//! Killed on the way.

use sandbox::{Victims, kill_after, kill_ever_later};
use serde_json::json;

use crate::stage::{Stage, after, links, net, vrf};

/// SIGKILL after every so many changes: an ADD once more and a DEL leave the container as it was.
fn kill_everywhere(command: &str) {
    let stage = Stage::new();
    let pod = stage.node.pod("c1");
    let conf = vrf(&json!({ "vrfname": "blue" }));
    let result = stage.attach(&pod, "eth0");
    let before = (links(&pod), net(&pod, "eth0", "main"));
    let call = stage.call(&pod, "eth0", &after(&conf, &result));
    kill_ever_later(|calls| {
        if command == "DEL" {
            let _ = call.clone().command("ADD").run().result();
        }
        let end = kill_after(&call.clone().command(command), calls, Victims::Plugin);
        if calls % 2 == 1 {
            let _ = call.clone().command("ADD").run().result();
            call.clone().command("CHECK").run().succeeded();
        }
        call.clone().command("DEL").run().succeeded();
        assert_eq!((links(&pod), net(&pod, "eth0", "main")), before, "call {calls}: {end:?}");
        end
    });
}

#[test]
fn an_add_may_be_killed_after_every_change() {
    kill_everywhere("ADD");
}

#[test]
fn a_del_may_be_killed_after_every_change() {
    kill_everywhere("DEL");
}
