//! ADD, CHECK, DEL and GC.

use sandbox::PATIENCE;
use sandbox::eventually;
use serde_json::json;

use crate::stage::{RANGE, Stage, addresses};

#[test]
fn an_attachment_gets_what_the_server_gives_and_del_gives_it_back() {
    let stage = Stage::new();
    let (_server, _daemon) = (stage.server(RANGE, &[]), stage.daemon(&[]));
    let pod = stage.pod("c1");
    let result = stage.add(&pod);
    let address = addresses(&result).remove(0);
    assert_eq!(
        result,
        json!({
            "cniVersion": "1.1.0",
            "ips": [{ "address": address, "gateway": "10.5.0.1" }],
            "routes": [{ "dst": "0.0.0.0/0", "gw": "10.5.0.1" }],
        })
    );
    assert!(address.starts_with("10.5.0.") && address.ends_with("/24"), "{address}");
    // The client identifier is the reference's: `\0c1/net/eth0`.
    assert!(Stage::line().ends_with(" 00:63:31:2f:6e:65:74:2f:65:74:68:30"), "{}", Stage::line());
    stage.check(&pod, &result).succeeded();
    assert_eq!(stage.add(&pod), result, "a lease that is held is kept");
    stage.del(&pod);
    Stage::all_is_given_back();
    stage.del(&pod);
    let error = stage.check(&pod, &result).error();
    assert_eq!(error["msg"], "dhcp: no lease is held for container c1");
}

// Upstream: "configures multiple links with multiple ADD/DEL", "correctly handles multiple DELs for the same container".
#[test]
fn many_ask_at_once_and_each_link_gets_its_own() {
    let stage = Stage::new();
    let (_server, _daemon) = (stage.server(RANGE, &[]), stage.daemon(&[]));
    let pods = ["c1", "c2", "c3", "c4", "c5"].map(|name| stage.pod(name));
    stage.link(&pods[0], "eth1");
    let conf = Stage::conf(&json!({}));
    let links: Vec<_> = pods.iter().map(|pod| (pod, "eth0")).chain([(&pods[0], "eth1")]).collect();
    let call = |command, (pod, link)| stage.call(command, pod, &conf).ifname(link).spawn();
    let calls: Vec<_> = links.iter().map(|link| call("ADD", *link)).collect();
    let mut given: Vec<_> =
        calls.into_iter().map(|call| addresses(&call.wait().result()).remove(0)).collect();
    given.sort();
    given.dedup();
    assert_eq!(given.len(), links.len(), "{given:?}");
    assert_eq!(Stage::given().len(), links.len());
    let calls: Vec<_> = links.iter().flat_map(|link| [*link; 3]).map(|link| call("DEL", link)).collect();
    for call in calls {
        call.wait().succeeded();
    }
    Stage::all_is_given_back();
}

// Upstream: "configures multiple links with multiple ADD with second lease unavailable".
#[test]
fn where_a_server_has_nothing_left_whoever_has_something_keeps_it() {
    let stage = Stage::new();
    let _server = stage.server("--dhcp-range=10.5.0.10,10.5.0.10,255.255.255.0,1h", &[]);
    let socket = "/run/elsewhere/dhcp.sock";
    let _daemon = stage.daemon_at(socket, &["-resendtimeout", "5s"]);
    let conf = Stage::conf(&json!({ "daemonSocketPath": socket }));
    let (first, second) = (stage.pod("c1"), stage.pod("c2"));
    let mut kept = conf.clone();
    kept["prevResult"] = stage.call("ADD", &first, &conf).run().result();
    let error = stage.call("ADD", &second, &conf).run().error();
    let text = error["msg"].as_str().expect("text");
    assert!(error["code"] == 11 && text.contains("no DHCP server answered on eth0"), "{error}");
    stage.call("DEL", &second, &conf).run().succeeded();
    stage.call("CHECK", &first, &kept).run().succeeded();
    assert_eq!(Stage::given(), ["10.5.0.10"]);
    stage.call("DEL", &first, &conf).run().succeeded();
    Stage::all_is_given_back();
}

#[test]
fn options_are_told_and_asked_for() {
    let stage = Stage::new();
    let routes = "--dhcp-option=121,0.0.0.0/0,10.5.0.3,192.168.7.0/24,10.5.0.2";
    let names = ["--dhcp-option=6,10.5.0.53", "--domain=example.com"];
    let server = stage.server(RANGE, &[routes, names[0], names[1]]);
    let _daemon = stage.daemon(&[]);
    let pod = stage.pod("c1");
    let conf = Stage::conf(&json!({
        "provide": [
            { "option": "host-name", "fromArg": "K8S_POD_NAME" },
            { "option": "dhcp-client-identifier", "value": "me" },
            { "option": "60", "value": "a class of its own" },
        ],
        "request": [{ "option": "121" }, { "option": "6" }, { "option": "15" }],
        "priority": 77,
    }));
    let result = stage.call("ADD", &pod, &conf).args("IgnoreUnknown=1;K8S_POD_NAME=web-0").run().result();
    assert_eq!(
        result["routes"],
        json!([
            { "dst": "0.0.0.0/0", "gw": "10.5.0.3", "priority": 77 },
            { "dst": "192.168.7.0/24", "gw": "10.5.0.2", "priority": 77 },
        ])
    );
    assert_eq!(result["dns"], json!({ "nameservers": ["10.5.0.53"], "domain": "example.com" }));
    let line = Stage::line();
    assert!(line.ends_with(" web-0 6d:65"), "{line}");
    assert!(server.said().contains("vendor class: a class of its own"), "{}", server.said());
}

#[test]
fn gateways_are_left_out_where_they_are_not_wanted() {
    let stage = Stage::new();
    let (_server, _daemon) = (stage.server(RANGE, &[]), stage.daemon(&["-broadcast"]));
    let pod = stage.pod("c1");
    let result = stage.call("ADD", &pod, &Stage::conf(&json!({ "suppress": ["gateway"] }))).run().result();
    assert_eq!((&result["ips"][0]["gateway"], &result["routes"]), (&json!(null), &json!(null)));
}

#[test]
fn gc_gives_back_what_belongs_to_no_valid_attachment() {
    let stage = Stage::new();
    let (_server, _daemon) = (stage.server(RANGE, &[]), stage.daemon(&[]));
    let pods = ["c1", "c2"].map(|name| stage.pod(name));
    let results = [stage.add(&pods[0]), stage.add(&pods[1])];
    let mut conf = Stage::conf(&json!({}));
    stage.ask("GC", &conf).succeeded();
    conf["cni.dev/valid-attachments"] = json!(null);
    stage.ask("GC", &conf).succeeded();
    assert_eq!(Stage::given().len(), 2);
    conf["cni.dev/valid-attachments"] = json!([{ "containerID": "c2", "ifname": "eth0" }]);
    stage.ask("GC", &conf).succeeded();
    assert!(eventually(PATIENCE, || Stage::given().len() == 1), "{:?}", Stage::given());
    stage.check(&pods[1], &results[1]).succeeded();
    assert_ne!(stage.check(&pods[0], &results[0]).code, 0);
    conf["name"] = "other".into();
    conf["cni.dev/valid-attachments"] = json!([]);
    stage.ask("GC", &conf).succeeded();
    stage.check(&pods[1], &results[1]).succeeded();
}

#[test]
fn a_configuration_that_can_not_be_followed_is_refused_by_key_and_value() {
    let stage = Stage::new();
    let pod = stage.pod("c1");
    for (ipam, words) in [
        (
            json!({ "provide": [{ "option": "colour", "value": "x" }] }),
            "ipam.provide[0].option: Can not parse option \"colour\"",
        ),
        (json!({ "request": [{ "option": "256" }] }), "ipam.request[0].option: Can not parse option \"256\""),
        (
            json!({ "provide": [{ "option": "12", "value": "x".repeat(256) }] }),
            "value too long for option \"12\"",
        ),
        (json!({ "priority": "high" }), "ipam.priority: invalid value \"high\""),
        (json!({ "suppress": ["all"] }), "ipam.suppress: unknown suppress value \"all\""),
    ] {
        let error = stage.call("ADD", &pod, &Stage::conf(&ipam)).run().error();
        let text = error["msg"].as_str().expect("text");
        assert!(error["code"] == 7 && text.contains(words), "{error}");
        // Whatever is written there, a container may go.
        stage.call("DEL", &pod, &Stage::conf(&ipam)).run().succeeded();
    }
}
