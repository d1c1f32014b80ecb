//! A daemon that is not there, that is started otherwise, or that is killed on its way.

use std::fs;
use std::path::Path;
use std::thread;

use sandbox::{Daemon, End, PATIENCE, Victims, eventually, kill_after, stride};
use serde_json::json;

use crate::stage::{RANGE, Stage};

// B-08, B-25
#[test]
fn without_a_daemon_containers_go_and_everything_else_says_why_not() {
    let stage = Stage::new();
    let (_server, daemon) = (stage.server(RANGE, &[]), stage.daemon(&[]));
    let (pod, other) = (stage.pod("c1"), stage.pod("c2"));
    let conf = Stage::conf(&json!({}));
    stage.ask("STATUS", &conf).succeeded();
    let result = stage.add(&pod);
    stage.add(&other);
    daemon.terminate();
    assert!(!Path::new("/run/cni/dhcp.sock").exists());
    for (command, code) in [("ADD", 11), ("CHECK", 11)] {
        let mut conf = conf.clone();
        conf["prevResult"] = result.clone();
        let error = stage.call(command, &pod, &conf).run().error();
        let text = error["msg"].as_str().expect("text");
        assert!(error["code"] == code && text.contains("error dialing DHCP daemon"), "{error}");
    }
    assert_eq!(stage.ask("STATUS", &conf).error()["code"], 50);
    stage.del(&pod);
    assert!(eventually(PATIENCE, || Stage::given().len() == 1), "{:?}", Stage::given());
    let mut gc = conf.clone();
    gc["cni.dev/valid-attachments"] = json!([]);
    stage.ask("GC", &gc).succeeded();
    Stage::all_is_given_back();
}

#[test]
fn a_service_manager_may_open_the_socket() {
    let stage = Stage::new();
    let _server = stage.server(RANGE, &[]);
    fs::create_dir("/run/cni").expect("a directory");
    // What systemd does: the socket is descriptor 3, and the process is told that it is its own.
    let script = "import os, socket, sys\n\
        s = socket.socket(socket.AF_UNIX); s.bind('/run/cni/dhcp.sock'); s.listen()\n\
        os.dup2(s.fileno(), 3); os.set_inheritable(3, True)\n\
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n\
        os.execv('/opt/cni/bin/dhcp', ['dhcp', 'daemon', '-pidfile', '/run/dhcp.pid'])\n";
    let mut daemon = Daemon::start(&["python3", "-c", script], Path::new("/run/daemon.log"));
    let id = daemon.id().to_string();
    daemon.until("the daemon tells its process ID", || {
        fs::read_to_string("/run/dhcp.pid").is_ok_and(|text| text == id)
    });
    let pod = stage.pod("c1");
    stage.add(&pod);
    stage.del(&pod);
    Stage::all_is_given_back();
    daemon.terminate();
    assert!(Path::new("/run/cni/dhcp.sock").exists(), "the socket is the service manager's");
    assert!(!Path::new("/run/dhcp.pid").exists());
}

#[test]
fn there_is_one_daemon_and_a_dead_ones_socket_is_in_nobodys_way() {
    let stage = Stage::new();
    let daemon = stage.daemon(&[]);
    let second = stage.node_daemon();
    assert!(second.code == 1 && second.stderr.contains("another daemon is at work"), "{second:?}");
    drop(daemon);
    assert!(Path::new("/run/cni/dhcp.sock").exists());
    let _next = stage.daemon(&[]);
    stage.ask("STATUS", &Stage::conf(&json!({}))).succeeded();
}

#[test]
fn a_plugin_may_be_killed_after_every_change() {
    let stage = Stage::new();
    let (_server, _daemon) = (stage.server(RANGE, &[]), stage.daemon(&[]));
    let pod = stage.pod("c1");
    let conf = Stage::conf(&json!({}));
    for command in ["ADD", "DEL"] {
        for calls in (1..10_000).step_by(stride()) {
            if command == "DEL" {
                stage.add(&pod);
            }
            let call = stage.call(command, &pod, &conf);
            // It waits for all that its thread has started, and this one has started daemons.
            let end = thread::scope(|scope| scope.spawn(|| kill_after(&call, calls, Victims::All)).join());
            stage.del(&pod);
            Stage::all_is_given_back();
            if matches!(end, Ok(End::Itself(_))) {
                break;
            }
        }
    }
}

#[test]
fn a_daemon_may_be_killed_while_it_asks() {
    let stage = Stage::new();
    let _server = stage.server(RANGE, &[]);
    let pod = stage.pod("c1");
    let conf = Stage::conf(&json!({}));
    for step in ["DHCPDISCOVER", "DHCPOFFER", "DHCPACK"] {
        let log = || fs::read_to_string("/run/dnsmasq.log").unwrap_or_default();
        let before = log().len();
        let daemon = stage.daemon(&[]);
        let adding = stage.call("ADD", &pod, &conf).spawn();
        assert!(eventually(PATIENCE, || log()[before..].contains(step)), "{step} never came");
        drop(daemon);
        // Its answer may have been on its way.
        let _ = adding.wait();
        let _next = stage.daemon(&[]);
        stage.del(&pod);
        assert_eq!(Stage::records(), [""; 0]);
        stage.add(&pod);
        stage.del(&pod);
        Stage::all_is_given_back();
    }
}
