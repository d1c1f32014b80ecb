//! VLANs where the kernel separates them, and a clear word where it does not. What they do is `tests/vlan.rs`, which
//! runs in the virtual machine.

use sandbox::{Place, Snapshot};
use serde_json::json;

use crate::network::{Families, newest, with};
use crate::stage::Stage;

#[test]
fn a_vlan_works_or_the_error_names_what_the_kernel_lacks() {
    let stage = Stage::new();
    let probe = stage.node.try_exec(&["ip", "link", "add", "probe", "type", "bridge", "vlan_filtering", "1"]);
    let can = probe.code == 0;
    if can {
        stage.node.exec(&["ip", "link", "del", "probe"]);
    }
    let pod = stage.node.pod("p1");
    let before = Snapshot::take(&stage.node);
    for keys in
        [json!({ "vlan": 100 }), json!({ "vlanTrunk": [{ "id": 101 }, { "minID": 200, "maxID": 210 }] })]
    {
        let conf = with(&newest(Families::Dual), &keys);
        if can {
            let result = stage.add(&pod, &conf);
            stage.check(&pod, &conf, &result).succeeded();
            stage.del(&pod, &conf, &result);
        } else {
            let error = stage.refused(&pod, &conf);
            let message = "the kernel lacks VLAN filtering (CONFIG_BRIDGE_VLAN_FILTERING), which bridge cni0 vlan_filtering needs";
            assert!(error["msg"].as_str().is_some_and(|msg| msg.starts_with(message)), "{error}");
            assert_eq!(pod.links(), ["lo"]);
            stage.nothing_left_since(&before);
        }
    }
}
