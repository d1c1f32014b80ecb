//! SIGKILL after every change of ADD and of DEL: whatever is half made, the next DEL takes away.

use sandbox::{Victims, kill_after, kill_ever_later};
use serde_json::{Value, json};

use crate::stage::{Attached, NODE, Stage, at, port, portmap};

fn kill_everywhere(command: &str, keys: &Value) {
    let stage = Stage::new();
    let pod = stage.pod("one");
    let ports = json!([port(8080, 80, "tcp"), port(5353, 53, "udp")]);
    let one = Attached { conf: portmap(&pod.result, &ports, keys), ..pod };
    let neighbour = stage.mapped_with("two", &json!([port(8081, 80, "tcp")]), keys);
    kill_ever_later(|calls| {
        if command == "DEL" {
            stage.verb("ADD", &one).succeeded();
        }
        let call = stage.call("portmap", &one.pod, &one.conf).command(command);
        let end = kill_after(&call, calls, Victims::All);
        // Every other time the runtime sends only what it must.
        let mut conf = one.conf.clone();
        if calls % 2 == 0 {
            conf = json!({ "cniVersion": "1.1.0", "name": "net", "type": "portmap" });
        }
        stage.call("portmap", &one.pod, &conf).command("DEL").run().succeeded();
        assert_eq!(stage.left_of("one"), "", "after {end:?}");
        end
    });
    stage.verb("ADD", &one).succeeded();
    stage.verb("CHECK", &one).succeeded();
    assert!(one.serves(80, &stage.router, at(NODE[0], 8080)).is_ok());
    stage.verb("CHECK", &neighbour).succeeded();
}

#[test]
fn an_add_may_be_killed_after_every_change() {
    kill_everywhere("ADD", &json!({}));
}

#[test]
fn a_del_may_be_killed_after_every_change() {
    kill_everywhere("DEL", &json!({}));
}
