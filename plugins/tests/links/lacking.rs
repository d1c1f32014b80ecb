//! Links that a kernel may not know.

use std::path::Path;

use sandbox::Place;
use serde_json::json;

use crate::stage::{Stage, conf, msg};

#[test]
fn an_add_works_or_its_error_names_what_the_kernel_lacks() {
    let (stage, _beyond) = Stage::with_router();
    for (plugin, keys, option) in [
        ("vlan", json!({ "master": "up0", "vlanId": 100 }), "CONFIG_VLAN_8021Q"),
        ("ipvlan", json!({ "master": "up0" }), "CONFIG_IPVLAN"),
        ("dummy", json!({}), "CONFIG_DUMMY"),
    ] {
        let pod = stage.node.pod(plugin);
        let reply = stage.call(&pod, &conf(plugin, &keys)).command("ADD").run();
        if reply.code != 0 {
            let error = reply.error();
            assert!(msg(&error).contains(option), "{error}");
            assert_eq!(pod.links(), ["lo"]);
        }
    }
}

// The link comes first where IPAM asks by it, and goes where IPAM fails.
#[test]
fn dhcp_finds_the_link_up_and_without_addresses() {
    let (stage, _beyond) = Stage::with_router();
    let script = "#!/bin/sh\nset -e\n[ \"$CNI_COMMAND\" != DEL ] || exit 0\n[ \"$CNI_COMMAND\" = ADD ] || exit 0\n\
                  state=$(nsenter --net=\"$CNI_NETNS\" ip -br addr show dev \"$CNI_IFNAME\")\n\
                  case \"$state\" in *10.1.2.*) exit 1;; esac\n\
                  nsenter --net=\"$CNI_NETNS\" ip link show dev \"$CNI_IFNAME\" | grep -q ',UP'\n\
                  [ ! -e /run/no-lease ]\n\
                  echo '{\"cniVersion\":\"1.1.0\",\"ips\":[{\"address\":\"10.1.2.9/24\",\"gateway\":\"10.1.2.200\"}]}'\n";
    stage.node.write("/run/dhcp.sh", script);
    stage.node.exec(&["chmod", "755", "/run/dhcp.sh"]);
    stage.node.install(Path::new("/run/dhcp.sh"), &["dhcp"]);
    stage.node.sh("ip link add dev0 type veth peer name far0; ip link set far0 up");
    let ipam = json!({ "type": "dhcp" });
    for (plugin, keys) in [
        ("macvlan", json!({ "master": "up0", "ipam": ipam })),
        ("host-device", json!({ "device": "dev0", "ipam": ipam })),
        ("tap", json!({ "ipam": ipam })),
        ("bridge", json!({ "isGateway": true, "ipMasq": true, "ipam": ipam })),
    ] {
        let conf = conf(plugin, &keys);
        let pod = stage.node.pod(plugin);
        stage.node.sh("touch /run/no-lease");
        stage.refused(&pod, &conf);
        assert_eq!(pod.links(), ["lo"], "{plugin}");
        stage.node.sh("rm /run/no-lease");
        let result = stage.add(&pod, &conf);
        assert_eq!(result["ips"][0]["address"], "10.1.2.9/24");
        stage.check(&pod, &conf, &result).succeeded();
        stage.del(&pod, &conf, &result);
        assert_eq!(pod.links(), ["lo"], "{plugin}");
    }
}
