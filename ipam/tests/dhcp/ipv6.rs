//! IPv6, by DHCP for IPv6 and by router advertisements: the reference has neither.

use sandbox::{PATIENCE, Place, Pod, eventually};
use serde_json::{Value, json};

use crate::stage::{RANGE, Stage, addresses, held, put_on, said};

const RANGE6: &str = "--dhcp-range=fd05::10,fd05::20,64,1h";

fn dhcp6() -> Value {
    Stage::conf(&json!({ "ipv4": "off", "ipv6": "dhcp", "request": [{ "option": "6" }] }))
}

fn add(stage: &Stage, pod: &Pod, conf: &Value) -> Value {
    let result = stage.call("ADD", pod, conf).run().result();
    put_on(pod, &result);
    result
}

#[test]
fn an_address_by_dhcpv6_is_leased_extended_and_given_back() {
    let stage = Stage::new();
    let (_server, mut daemon) = (stage.server(RANGE6, &["--enable-ra"]), stage.daemon(&[]));
    let pod = stage.pod("c1");
    let result = add(&stage, &pod, &dhcp6());
    let address = addresses(&result).remove(0);
    assert!(address.starts_with("fd05::") && address.ends_with("/128"), "{address}");
    // The server writes that down after its answer.
    let given = || Stage::given().iter().map(|given| format!("{given}/128")).collect::<Vec<_>>();
    assert!(eventually(PATIENCE, || given() == [&*address]), "{:?}", given());
    pod.ping("fd05::1");
    for (rebind, times) in [(u64::MAX, 1), (0, 2)] {
        Stage::age(|times| {
            times["renew"] = json!(0);
            times["rebind"] = json!(rebind);
        });
        stage.ask("STATUS", &dhcp6()).succeeded();
        daemon.until("the lease is extended", || Stage::is_extended(times));
    }
    let server = std::fs::read_to_string("/run/dnsmasq.log").unwrap_or_default();
    assert!(server.contains("DHCPRENEW(") && server.contains("DHCPREBIND("), "{server}");
    stage.call("DEL", &pod, &dhcp6()).run().succeeded();
    Stage::all_is_given_back();
}

#[test]
fn both_families_are_leased_and_given_back_together() {
    let stage = Stage::new();
    let (_server, daemon) = (stage.server(RANGE, &[RANGE6, "--enable-ra"]), stage.daemon(&[]));
    let pod = stage.pod("c1");
    let conf = Stage::conf(&json!({ "ipv6": "dhcp" }));
    let result = add(&stage, &pod, &conf);
    assert_eq!(addresses(&result).len(), 2);
    assert!(eventually(PATIENCE, || Stage::given().len() == 2), "{:?}", Stage::given());
    pod.ping("10.5.0.1");
    pod.ping("fd05::1");
    drop(daemon);
    stage.call("DEL", &pod, &conf).run().succeeded();
    Stage::all_is_given_back();
}

#[test]
fn an_address_of_an_announced_prefix_is_the_links_own() {
    let stage = Stage::new();
    let server = stage.server("--dhcp-range=fd05::,ra-only,1h", &["--enable-ra"]);
    let _daemon = stage.daemon(&[]);
    let pod = stage.pod("c1");
    pod.exec(&["ip", "link", "set", "eth0", "address", "02:00:00:00:00:01"]);
    let conf = Stage::conf(&json!({ "ipv4": "off", "ipv6": "slaac" }));
    let result = add(&stage, &pod, &conf);
    assert_eq!(addresses(&result), ["fd05::ff:fe00:1/64"]);
    assert_eq!(held(&pod), ["fd05::ff:fe00:1/64"], "{}", server.said());
    pod.ping("fd05::1");
    // The default route is the kernel's, who hears when the router goes.
    let routed =
        eventually(PATIENCE, || pod.exec(&["ip", "-6", "route"]).stdout.contains("default via fe80:"));
    assert!(routed, "{}", pod.exec(&["ip", "-6", "route"]).stdout);
    stage.call("DEL", &pod, &conf).run().succeeded();
    assert_eq!(Stage::records(), [""; 0]);
}

#[test]
fn a_prefix_that_changes_changes_the_address() {
    let stage = Stage::new();
    let server = stage.server("--dhcp-range=fd05::,ra-only,1h", &["--enable-ra"]);
    let daemon = stage.daemon(&[]);
    let pod = stage.pod("c1");
    pod.exec(&["ip", "link", "set", "eth0", "address", "02:00:00:00:00:01"]);
    let conf = Stage::conf(&json!({ "ipv4": "off", "ipv6": "slaac" }));
    add(&stage, &pod, &conf);
    drop((server, daemon));
    stage.node.sh("ip addr del fd05::1/64 dev lan0; ip addr add fd06::1/64 dev lan0 nodad");
    Stage::age(|times| times["renew"] = json!(0));
    let _server = stage.server("--dhcp-range=fd06::,ra-only,1h", &["--enable-ra"]);
    let _daemon = stage.daemon(&[]);
    assert!(eventually(PATIENCE, || held(&pod) == ["fd06::ff:fe00:1/64"]), "{:?}\n{}", held(&pod), said());
}

#[test]
fn where_nobody_answers_by_ipv6_it_is_told() {
    let stage = Stage::new();
    let (_server, _daemon) = (stage.server(RANGE, &[]), stage.daemon(&["-resendtimeout", "5s"]));
    let pod = stage.pod("c1");
    for (ipv6, words) in
        [("dhcp", "no DHCPv6 server answered on eth0"), ("slaac", "no router that announces a prefix")]
    {
        let conf = Stage::conf(&json!({ "ipv6": ipv6 }));
        let error = stage.call("ADD", &pod, &conf).run().error();
        let text = error["msg"].as_str().expect("text");
        assert!(error["code"] == 11 && text.contains(words), "{error}");
    }
    // The IPv4 lease that came first is not kept.
    Stage::all_is_given_back();
}
