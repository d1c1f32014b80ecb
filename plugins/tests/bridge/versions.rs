//! A pod's whole life in every version of the specification, for each family.
//!
//! Upstream: "configures and deconfigures a bridge and veth with default route with ADD/DEL", "… with ADD/DEL/CHECK",
//! "configures and deconfigures a l2 bridge and veth with ADD/DEL".

use sandbox::{Place, Snapshot};
use serde_json::{Value, json};

use crate::network::{Families, addresses, layer2, routed};
use crate::stage::Stage;

/// CHECK came with 0.4.0.
fn has_check(version: &str) -> bool {
    !version.starts_with("0.1") && !version.starts_with("0.2") && !version.starts_with("0.3")
}

/// Interfaces came with 0.3.0.
fn has_interfaces(version: &str) -> bool {
    !version.starts_with("0.1") && !version.starts_with("0.2")
}

fn life(version: &str) {
    let stage = Stage::new();
    let pods = [stage.node.pod("p1"), stage.node.pod("p2")];
    let before = Snapshot::take(&stage.node);
    for families in Families::ALL {
        let conf = routed(version, families);
        let results = pods.each_ref().map(|pod| stage.add(pod, &conf));
        assert_eq!(results[0]["cniVersion"], version, "P-075");
        for gateway in families.gateways() {
            pods[0].ping(gateway);
        }
        for address in addresses(&results[1]) {
            pods[0].ping(address);
        }
        for (pod, result) in pods.iter().zip(&results) {
            let check = stage.check(pod, &conf, result);
            if has_check(version) {
                check.succeeded();
                assert_eq!(check.stdout, "", "P-044");
            } else {
                assert_eq!(check.error()["code"], 1, "P-023");
            }
            stage.del(pod, &conf, result);
            assert_eq!(pod.links(), ["lo"]);
        }
    }
    layer_2(&stage, version);
    stage.nothing_left_since(&before);
}

/// Without addresses: a result that only versions with interfaces can say.
fn layer_2(stage: &Stage, version: &str) {
    let conf = layer2(version);
    let pod = stage.node.pod("l2");
    if !has_interfaces(version) {
        let error = stage.refused(&pod, &conf);
        assert_eq!(error["msg"], "cannot convert: no valid IP addresses", "P-072");
        assert_eq!(pod.links(), ["lo"]);
        return;
    }
    let result = stage.add(&pod, &conf);
    assert_eq!(result["interfaces"].as_array().map(Vec::len), Some(3));
    assert_eq!((&result["ips"], &result["routes"]), (&Value::Null, &Value::Null));
    assert!(pod.exec(&["ip", "link", "show", "eth0"]).stdout.contains("UP"));
    // B-04
    if has_check(version) {
        stage.check(&pod, &conf, &result).succeeded();
    }
    stage.del(&pod, &conf, &result);
}

macro_rules! lives {
    ($($name:ident $version:literal)*) => {
        $(
            #[test]
            fn $name() {
                life($version);
            }
        )*
    };
}

lives! {
    a_pods_life_at_0_1_0 "0.1.0"
    a_pods_life_at_0_2_0 "0.2.0"
    a_pods_life_at_0_3_0 "0.3.0"
    a_pods_life_at_0_3_1 "0.3.1"
    a_pods_life_at_0_4_0 "0.4.0"
    a_pods_life_at_1_0_0 "1.0.0"
    a_pods_life_at_1_1_0 "1.1.0"
}

#[test]
fn a_configuration_without_a_version_gets_a_result_of_0_1_0() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let mut conf = routed("", Families::Dual);
    conf.as_object_mut().expect("an object").remove("cniVersion");
    let result = stage.add(&pod, &conf);
    // P-020, P-075
    assert_eq!(result["cniVersion"], "0.1.0");
    assert_eq!(result["ip4"]["ip"], "10.1.2.2/24");
    assert_eq!(result["ip6"]["routes"], json!([{ "dst": "::/0", "gw": "fd01:2::1" }]));
}
