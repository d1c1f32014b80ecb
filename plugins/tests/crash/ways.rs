//! How the pieces of a killed call are taken away.

use sandbox::{PATIENCE, Place, Pod, eventually};
use serde_json::json;

use crate::stage::Stage;

/// What takes the pieces away. Hands back the container, or the next one of its name.
pub(crate) type Way = fn(&Stage<'_>, Pod) -> Pod;

pub(crate) const WAYS: [Way; 4] = [
    |stage, pod| {
        stage.call("c1").netns(&pod).command("DEL").run().succeeded();
        pod
    },
    |stage, pod| {
        stage.call("c1").command("DEL").run().succeeded();
        pod
    },
    |stage, pod| {
        let valid = |id: &&str| json!({ "containerID": id, "ifname": "eth0" });
        let mut conf = stage.conf.clone();
        conf["cni.dev/valid-attachments"] = stage.scene.others.iter().map(valid).collect();
        stage
            .call("")
            .without("CNI_CONTAINERID")
            .without("CNI_IFNAME")
            .command("GC")
            .conf(conf)
            .run()
            .succeeded();
        pod
    },
    |stage, pod| {
        pod.remove();
        // The kernel buries a namespace when it has time.
        let gc = stage.programs.ours.join("cni");
        let gone = eventually(PATIENCE, || {
            stage.node.exec(&[&gc.to_string_lossy(), "gc"]);
            stage.left().is_empty()
        });
        assert!(gone, "`cni gc` leaves something of a container that is gone:\n{}", stage.left());
        stage.node.pod("c1")
    },
];
