//! Agents come and go; traffic does not.

use std::process::Stdio;

use sandbox::{PATIENCE, Place, eventually};

use crate::cluster::{Cluster, Shape};

#[test]
fn a_restart_loses_no_packet() {
    let mut cluster = Cluster::new(Shape::VXLAN, 2);
    cluster.start();
    let (a, b) = (cluster.pod(1, "a"), cluster.pod(2, "b"));
    for address in &b.addresses {
        a.pod.ping(address);
    }
    let flows: Vec<_> = b
        .addresses
        .iter()
        .map(|address| {
            // 1,000 packets a second, for five seconds.
            let mut ping = std::process::Command::new("ping");
            ping.args(["-n", "-q", "-i", "0.001", "-c", "5000", &address.to_string()]).stdout(Stdio::piped());
            a.pod.within(|| ping.spawn()).expect("ping starts")
        })
        .collect();
    for _ in 0..3 {
        for member in &mut cluster.members {
            member.kill();
            member.start();
        }
        for member in &cluster.members {
            member.wait_ready();
        }
    }
    for flow in flows {
        let output = flow.wait_with_output().expect("ping ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(" 0% packet loss"), "{text}");
    }
}

#[test]
fn a_restart_changes_nothing() {
    let mut cluster = Cluster::new(Shape::VXLAN, 2);
    cluster.start();
    let member = &mut cluster.members[0];
    let state = |member: &crate::cluster::Member| {
        let shown = member.machine.sh(
            "ip -d -o link show type vxlan; ip route; ip -6 route; ip nexthop; nft list table inet trestle-routed",
        );
        shown.stdout
    };
    let before = state(member);
    member.kill();
    member.start();
    member.wait_ready();
    assert_eq!(state(member), before);
}

#[test]
fn a_second_agent_waits_for_the_first() {
    let mut cluster = Cluster::new(Shape::HOST_GW, 1);
    cluster.start();
    let first = &mut cluster.members[0];
    let second = first.machine.within(|| {
        let log = std::fs::File::create("/run/second.log").expect("the machine's own /run");
        std::process::Command::new(crate::cluster::AGENT)
            .args(["run", "--node-name", "node1", "--nodes-file", "/run/nodes.json", "--iface", "eth0"])
            .args(["--net-config-path", "/run/net-conf.json"])
            .stderr(log)
            .spawn()
    });
    let mut second = second.expect("the agent starts");
    let told =
        || first.read("/run/second.log").unwrap_or_default().contains("another agent works on this node");
    assert!(eventually(PATIENCE, told));
    assert!(first.ready().0, "the first goes on");
    first.kill();
    let took_over = || first.ready().0;
    let done = eventually(PATIENCE, took_over);
    second.kill().expect("it is ours");
    second.wait().expect("it is ours");
    assert!(done, "{}", first.read("/run/second.log").unwrap_or_default());
}

#[test]
fn cleanup_leaves_nothing() {
    let mut cluster = Cluster::new(Shape::VXLAN, 2);
    let state = "ip -o link show type vxlan; ip route show proto 116; ip -6 route show proto 116; ip nexthop; nft list tables; ls /etc/cni/net.d; cat /run/flannel/subnet.env 2>/dev/null || true";
    let before = cluster.members[0].machine.sh(state).stdout;
    cluster.start();
    let member = &mut cluster.members[0];
    member.kill();
    let done = member.agent(&[
        "cleanup",
        "--conflist",
        "/etc/cni/net.d/10-trestle.conflist",
        "--subnet-file",
        "/run/flannel/subnet.env",
    ]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(member.machine.sh(state).stdout, before);
}

#[test]
fn diff_tells_what_an_agent_that_is_not_heard_would_mend() {
    let mut cluster = Cluster::new(Shape::HOST_GW, 2);
    cluster.start();
    let member = &cluster.members[0];
    assert_eq!(member.agent(&["diff"]).code, 0);
    let status = member.agent(&["status"]).stdout;
    assert!(status.contains("2 of 2 in the kernel"), "{status}");
    let told: serde_json::Value = serde_json::from_str(&member.agent(&["status", "--json"]).stdout).unwrap();
    assert_eq!(told["paths"]["programmed"], 2, "{told}");
    cluster.members[0].kill();
    assert_eq!(cluster.members[0].agent(&["diff"]).code, 2, "nobody to ask");
}

#[test]
fn visitors_who_say_nothing_do_not_keep_a_probe_out_for_ever() {
    let mut cluster = Cluster::new(Shape::HOST_GW, 1);
    cluster.start();
    let member = &cluster.members[0];
    // More than are let in at once.
    let silent: Vec<_> = member.machine.within(|| {
        (0..100).map(|_| std::net::TcpStream::connect("127.0.0.1:8081").expect("a connection")).collect()
    });
    let probe = ["busybox", "wget", "-q", "-O-", "http://127.0.0.1:8081/readyz"];
    let heard = eventually(PATIENCE, || member.machine.try_exec(&probe).code == 0);
    assert!(heard, "{}", member.log());
    drop(silent);
}

#[test]
fn probes_and_metrics_are_served() {
    let mut cluster = Cluster::new(Shape::HOST_GW, 2);
    cluster.start();
    let machine = &cluster.members[0].machine;
    let get = |path: &str| {
        machine.exec(&["busybox", "wget", "-q", "-O-", &format!("http://127.0.0.1:8081{path}")]).stdout
    };
    assert_eq!(get("/healthz"), "ok\n");
    assert_eq!(get("/readyz"), "ok\n");
    let metrics = get("/metrics");
    for line in
        ["trestle_paths{kind=\"programmed\"} 2", "trestle_ready 1", "trestle_pass_duration_seconds_count"]
    {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}
