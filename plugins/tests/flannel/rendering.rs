//! What the delegate reads and what is saved is what flannel's own plugin v1.9.1-flannel1 wrote for the same input, to
//! the byte.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::network::{DUAL, SEVERAL, V4, V6, k3s, kube_flannel};
use crate::stage::{SAVED, Stage, saved, seen};

fn renders(environment: &str, conf: &Value, wanted: &Expect) {
    let stage = Stage::spied_on(environment);
    let pod = stage.node.pod("p1");
    let reply = stage.call(&pod, conf).command("ADD").run();
    reply.succeeded();
    assert_eq!(reply.stderr, "");
    wanted.assert_eq(&seen("ADD"));
    assert_eq!(saved("p1"), Some(seen("ADD")));
}

#[test]
fn kube_flannels_conflist_on_an_ipv4_node() {
    renders(
        V4,
        &kube_flannel("0.3.1"),
        &expect![[
            r#"{"cniVersion":"0.3.1","hairpinMode":true,"ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.244.1.0/24"}]],"routes":[{"dst":"10.244.0.0/16"}],"type":"host-local"},"isDefaultGateway":true,"isGateway":true,"mtu":1450,"name":"cbr0","type":"bridge"}"#
        ]],
    );
}

#[test]
fn kube_flannels_conflist_on_an_ipv6_node() {
    renders(
        V6,
        &kube_flannel("1.0.0"),
        &expect![[
            r#"{"cniVersion":"1.0.0","hairpinMode":true,"ipMasq":false,"ipam":{"ranges":[[{"subnet":"fd00:10:244:1::/64"}]],"routes":[{"dst":"fd00:10:244::/48"}],"type":"host-local"},"isDefaultGateway":true,"isGateway":true,"mtu":1430,"name":"cbr0","type":"bridge"}"#
        ]],
    );
}

#[test]
fn k3s_conflist_on_a_dual_stack_node() {
    renders(
        DUAL,
        &k3s("1.0.0"),
        &expect![[
            r#"{"cniVersion":"1.0.0","forceAddress":true,"hairpinMode":true,"ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.244.1.0/24"}],[{"subnet":"fd00:10:244:1::/64"}]],"routes":[{"dst":"10.244.0.0/16"},{"dst":"fd00:10:244::/48"}],"type":"host-local"},"isDefaultGateway":true,"isGateway":true,"mtu":1450,"name":"cbr0","type":"bridge"}"#
        ]],
    );
}

#[test]
fn a_network_that_says_nothing_gets_a_bridge_that_masquerades_where_flanneld_does_not() {
    renders(
        SEVERAL,
        &json!({ "name": "cbr0", "type": "flannel" }),
        &expect![[
            r#"{"ipMasq":true,"ipam":{"ranges":[[{"subnet":"10.1.17.0/24"}]],"routes":[{"dst":"10.1.0.0/16"},{"dst":"10.2.0.0/16"}],"type":"host-local"},"isGateway":true,"mtu":9000,"name":"cbr0","type":"bridge"}"#
        ]],
    );
}

#[test]
fn what_the_administrator_says_stands_and_is_written_as_go_writes_it() {
    let conf = json!({
        "cniVersion": "1.1.0", "name": "cbr0", "type": "flannel",
        "delegate": {
            "type": "spy", "mtu": 1400, "ipMasq": null, "cniVersion": "0.2.0", "z": [{ "b": 1.50, "a": "<&>" }],
            "runtimeConfig": 1,
        },
        "runtimeConfig": { "portMappings": [{ "hostPort": 8080, "containerPort": 80 }], "bandwidth": {} },
        "ipam": {
            "type": "spy", "secret": 7, "ranges": 1,
            "routes": [
                {
                    "unknown": 1, "dst": "10.96.0.1/12", "gw": "10.244.1.9", "scope": 0, "table": 5, "priority": 3,
                    "advmss": 1300, "mtu": 1400,
                },
                { "DST": "fd96::/112" },
            ],
        },
        "prevResult": { "cniVersion": "1.1.0" },
    });
    renders(
        DUAL,
        &conf,
        &expect![[
            r#"{"cniVersion":"1.1.0","ipMasq":null,"ipam":{"ranges":[[{"subnet":"10.244.1.0/24"}],[{"subnet":"fd00:10:244:1::/64"}]],"routes":[{"dst":"10.96.0.1/12","gw":"10.244.1.9","mtu":1400,"advmss":1300,"priority":3,"table":5,"scope":0},{"dst":"fd96::/112"},{"dst":"10.244.0.0/16"},{"dst":"fd00:10:244::/48"}],"secret":7,"type":"spy"},"mtu":1400,"name":"cbr0","runtimeConfig":{"bandwidth":{},"portMappings":[{"containerPort":80,"hostPort":8080}]},"type":"spy","z":[{"a":"\u003c\u0026\u003e","b":1.5}]}"#
        ]],
    );
}

#[test]
fn only_the_owner_may_read_what_is_saved_and_the_keys_may_name_other_places() {
    let stage = Stage::spied_on("");
    stage.node.write("/run/elsewhere/env", V4);
    let pod = stage.node.pod("p1");
    let mut conf = kube_flannel("1.0.0");
    conf["SubnetFile"] = "/run/elsewhere/env".into();
    conf["dataDir"] = "/run/elsewhere/data".into();
    stage.add(&pod, &conf);
    let mode = |path| fs::metadata(path).expect(path).permissions().mode() & 0o7777;
    assert_eq!((mode("/run/elsewhere/data"), mode("/run/elsewhere/data/p1")), (0o700, 0o600));
    assert!(!fs::exists(SAVED).expect("the directory above"));
    stage.del(&pod, &conf);
    assert!(!fs::exists("/run/elsewhere/data/p1").expect("dataDir"));
}
