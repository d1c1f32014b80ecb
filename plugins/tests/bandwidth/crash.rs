//! SIGKILL after every change of ADD and of DEL: whatever is half made, DEL or GC takes away, and the next ADD
//! of the same container succeeds.

use sandbox::{Victims, kill_after, kill_ever_later};
use serde_json::json;

use crate::network::{both, with};
use crate::stage::Stage;

fn kill_everywhere(command: &str) {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let before = stage.holdings();
    let conf = with(&both(), &json!({ "unshapedSubnets": ["10.0.0.0/8", "fd00::/8"] }));
    let call = stage.call(&p1, &conf);
    let gc = call.clone().conf(with(&conf, &json!({ "cni.dev/valid-attachments": [] }))).command("GC");
    kill_ever_later(|calls| {
        if command == "DEL" {
            call.clone().command("ADD").run().succeeded();
        }
        let end = kill_after(&call.clone().command(command), calls, Victims::Plugin);
        match calls % 3 {
            0 => call.clone().command("DEL").run().succeeded(),
            1 => gc.run().succeeded(),
            // The next ADD takes over what is there.
            _ => {
                let result = call.clone().command("ADD").run().result();
                stage.check(&p1, &conf, &result).succeeded();
                call.clone().command("DEL").run().succeeded();
            }
        }
        // A record that never got its name is no record; the next GC clears it away.
        if stage.holdings() != before {
            gc.run().succeeded();
        }
        assert_eq!(stage.holdings(), before, "call {calls}: {end:?}");
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
