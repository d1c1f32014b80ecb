//! Leases that are lost: what the container keeps, and what it gets in their place.

use sandbox::{PATIENCE, Place, eventually};
use serde_json::json;

use crate::stage::{RANGE, Stage, held, put_on, said};

// B-25
#[test]
fn an_address_that_the_server_changes_is_changed_in_the_container() {
    let stage = Stage::new();
    let server = stage.server(RANGE, &[]);
    let daemon = stage.daemon(&[]);
    let pod = stage.pod("c1");
    let result = stage.add(&pod);
    put_on(&pod, &result);
    drop((daemon, server));
    std::fs::remove_file("/run/dnsmasq.leases").expect("the server's leases");
    Stage::age(|times| times["renew"] = json!(0));
    let _server = stage.server("--dhcp-range=10.5.0.100,10.5.0.110,255.255.255.0,1h", &[]);
    let _daemon = stage.daemon(&[]);
    let changed = eventually(PATIENCE, || {
        held(&pod).iter().any(|address| address.starts_with("10.5.0.1") && address.len() == 13)
    });
    assert!(changed, "{:?}\n{}", held(&pod), said());
    assert_eq!(held(&pod).len(), 1);
    pod.ping("10.5.0.1");
    let routes = pod.exec(&["ip", "route", "show", "default"]).stdout;
    assert!(routes.contains("via 10.5.0.1"), "{routes}");
    // A runtime knows what it was told, until it asks again.
    stage.check(&pod, &result).succeeded();
    let told = stage.add(&pod);
    assert_eq!(crate::stage::addresses(&told), held(&pod));
    let error = stage.check(&pod, &result).error();
    assert!(error["msg"].as_str().is_some_and(|text| text.contains("10.5.0.1")), "{error}");
    stage.check(&pod, &told).succeeded();
    stage.del(&pod);
    Stage::all_is_given_back();
}

#[test]
fn an_address_whose_time_is_over_is_taken_away_until_a_server_gives_it_again() {
    let stage = Stage::new();
    let server = stage.server(RANGE, &[]);
    let daemon = stage.daemon(&[]);
    let pod = stage.pod("c1");
    let result = stage.add(&pod);
    put_on(&pod, &result);
    drop((daemon, server));
    Stage::age(|times| *times = json!({ "renew": 0, "rebind": 0, "expire": 0, "again": 0 }));
    let _daemon = stage.daemon(&[]);
    assert!(eventually(PATIENCE, || held(&pod).is_empty()), "{:?}\n{}", held(&pod), said());
    let error = stage.check(&pod, &result).error();
    assert!(error["msg"].as_str().is_some_and(|text| text.ends_with("is over")), "{error}");
    let _server = stage.server(RANGE, &[]);
    let again = crate::stage::addresses(&result);
    assert!(eventually(PATIENCE, || held(&pod) == again), "{:?}\n{}", held(&pod), said());
    pod.ping("10.5.0.1");
    stage.check(&pod, &result).succeeded();
}

#[test]
fn a_server_that_is_absent_is_told_of_and_may_be_asked_again() {
    let stage = Stage::new();
    let _daemon = stage.daemon(&["-resendtimeout", "5s"]);
    let pod = stage.pod("c1");
    let conf = Stage::conf(&json!({}));
    let error = stage.call("ADD", &pod, &conf).run().error();
    let text = error["msg"].as_str().expect("text");
    assert!(error["code"] == 11 && text.contains("no DHCP server answered on eth0"), "{error}");
    assert_eq!(Stage::records(), [""; 0]);
    let error = stage.call("ADD", &pod, &conf).ifname("eth7").run().error();
    assert!(error["msg"].as_str().is_some_and(|text| text.contains("eth7")), "{error}");
    let _server = stage.server(RANGE, &[]);
    stage.add(&pod);
}

#[test]
fn a_del_ends_the_add_that_waits_for_a_server() {
    let stage = Stage::new();
    let _daemon = stage.daemon(&["-resendtimeout", "1h"]);
    let pod = stage.pod("c1");
    let conf = Stage::conf(&json!({}));
    let adding = stage.call("ADD", &pod, &conf).spawn();
    // The server hears it, so the ADD has begun.
    let server = stage.server("--dhcp-range=10.6.0.10,10.6.0.20,255.255.255.0,1h", &[]);
    let asked = eventually(PATIENCE, || server.said().contains("no address range available"));
    assert!(asked, "{}", server.said());
    stage.del(&pod);
    let error = adding.wait().error();
    assert_eq!((&error["code"], &error["msg"]), (&json!(11), &json!("the lease is being released")));
}
