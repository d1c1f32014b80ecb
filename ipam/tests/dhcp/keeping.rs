//! Leases that are kept: renewal, and a daemon that ends in between.

use sandbox::{PATIENCE, Place, eventually};
use serde_json::json;

use crate::stage::{RANGE, Stage, addresses, held, put_on, said};

#[test]
fn a_lease_is_extended_again_and_again() {
    let stage = Stage::new();
    let (_server, mut daemon) = (stage.server(RANGE, &[]), stage.daemon(&[]));
    let pod = stage.pod("c1");
    let result = stage.add(&pod);
    put_on(&pod, &result);
    let before = Stage::discoveries();
    for times in 1..=3 {
        Stage::age(|times| times["renew"] = json!(0));
        // Any call has the daemon look at what is due.
        stage.ask("STATUS", &Stage::conf(&json!({}))).succeeded();
        daemon.until("the lease is extended", || Stage::is_extended(times));
    }
    assert_eq!(Stage::discoveries(), before);
    stage.check(&pod, &result).succeeded();
    assert_eq!(held(&pod), addresses(&result));
}

#[test]
fn leases_outlive_a_daemon_that_is_killed() {
    let stage = Stage::new();
    let (_server, daemon) = (stage.server(RANGE, &[]), stage.daemon(&[]));
    let pod = stage.pod("c1");
    let result = stage.add(&pod);
    drop(daemon);
    Stage::age(|times| times["renew"] = json!(0));
    let mut next = stage.daemon(&[]);
    next.until("the next daemon extends the lease", || said().contains("is extended"));
    stage.check(&pod, &result).succeeded();
    assert_eq!(stage.add(&pod), result);
    next.terminate();
    let _last = stage.daemon(&[]);
    stage.del(&pod);
    Stage::all_is_given_back();
}

#[test]
fn without_its_server_a_lease_is_extended_by_another_whose_routes_are_the_containers() {
    let stage = Stage::new();
    let server = stage.server(RANGE, &["--dhcp-option=121,0.0.0.0/0,10.5.0.1,192.168.7.0/24,10.5.0.1"]);
    let daemon = stage.daemon(&[]);
    let pod = stage.pod("c1");
    let conf = Stage::conf(&json!({ "request": [{ "option": "121" }], "priority": 77 }));
    let result = stage.call("ADD", &pod, &conf).run().result();
    put_on(&pod, &result);
    drop((daemon, server));
    Stage::age(|times| {
        times["renew"] = json!(0);
        times["rebind"] = json!(0);
    });
    // The same leases under another address: the one that is asked by name is gone.
    stage.node.sh("ip addr del 10.5.0.1/24 dev lan0; ip addr add 10.5.0.2/24 dev lan0");
    let _server = stage.server(
        RANGE,
        &["--dhcp-option=121,0.0.0.0/0,10.5.0.2,192.168.7.0/24,10.5.0.1,10.77.0.0/16,0.0.0.0"],
    );
    let mut daemon = stage.daemon(&[]);
    daemon.until("another server extends the lease", || said().contains("is extended"));
    let routes = pod.exec(&["ip", "route", "show", "proto", "boot"]).stdout;
    let mut routes: Vec<_> = routes.lines().map(str::trim_end).collect();
    routes.sort_unstable();
    assert_eq!(
        routes,
        [
            "10.77.0.0/16 dev eth0 scope link metric 77",
            "192.168.7.0/24 via 10.5.0.1 dev eth0 metric 77",
            "default via 10.5.0.2 dev eth0 metric 77",
        ]
    );
    stage.check(&pod, &result).succeeded();
    stage.del(&pod);
    Stage::all_is_given_back();
}

#[test]
fn a_container_that_vanished_has_its_lease_given_back() {
    let stage = Stage::new();
    let (_server, daemon) = (stage.server(RANGE, &[]), stage.daemon(&[]));
    let (pod, gone) = (stage.pod("c1"), stage.pod("c2"));
    let result = stage.add(&pod);
    stage.add(&gone);
    gone.remove();
    // Each round begins with a call, and the kernel buries a namespace when it has time.
    let released = eventually(PATIENCE, || {
        stage.ask("STATUS", &Stage::conf(&json!({}))).succeeded();
        Stage::given().len() == 1
    });
    assert!(released, "{:?}\n{}", Stage::given(), daemon.said());
    stage.check(&pod, &result).succeeded();
}
