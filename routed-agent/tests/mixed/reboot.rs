//! A node of Kubernetes has booted: the kubelet's pods wait until the agent knows its podCIDR.

use sandbox::{PATIENCE, Place, eventually};
use serde_json::json;

use crate::kubelets::Kubelets;

impl Kubelets<'_> {
    /// What of a reboot matters: `/run` is empty and the bridge is gone, and the conflist is still there.
    pub(crate) fn pods_wait_for_the_agent_after_a_reboot(&mut self) {
        self.cluster.member_mut(1).terminate();
        self.cluster.member(1).machine.sh("rm -r /run/flannel /run/trestle; ip link delete cni0");
        self.create(1, "early", &json!([]));
        let mut told = String::new();
        let waits = eventually(PATIENCE * 3, || {
            let of_pod = "--field-selector=involvedObject.name=early";
            told = self.cluster.api.kubectl(&["get", "events", of_pod, "-o=jsonpath={..message}"]).stdout;
            told.contains("waiting until subnet 10.244.1.0/24 is confirmed")
        });
        assert!(waits, "{told}\n{}", self.said());

        // An agent that reaches nobody confirms nothing.
        self.cluster.api.kill();
        self.cluster.member_mut(1).start_agent("node1");
        self.cluster.member(1).wait_status("not ready: no complete list of Nodes yet: ");
        assert!(self.cluster.member(1).read("/run/flannel/subnet.env").is_none());
        self.cluster.api.start_again();
        self.cluster.member(1).wait_ready();
        self.started(1, "early");
    }
}
