//! IPAM as a delegate: which namespace, environment and configuration it sees, and what becomes of its errors.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use sandbox::{Place, Snapshot};
use serde_json::{Value, json};

use crate::network::{Families, newest, with};
use crate::stage::{Stage, with_result};

/// Where the spy writes, one file a call.
const SEEN: &str = "/run/sandbox-spy";

/// A delegate that notes its namespace, environment and stdin under the name of its operation. Its ADD answers with
/// `/run/sandbox-spy/answer`, and with failure where that says `"code"`.
const SPY: &str = r#"#!/bin/sh
cd /run/sandbox-spy
{ readlink /proc/self/ns/net; env | grep -a ^CNI_ | sort; echo "MARK=$MARK"; } >"$CNI_COMMAND.env"
cat >"$CNI_COMMAND.stdin"
[ "$CNI_COMMAND" = ADD ] || exit 0
cat answer
! grep -q '"code"' answer
"#;

/// A node with the spy, which will answer this.
fn stage(answer: &Value) -> Stage {
    let stage = Stage::new();
    stage.install_script("spy", SPY);
    stage.node.write(format!("{SEEN}/answer"), &answer.to_string());
    stage
}

fn conf() -> Value {
    with(
        &newest(Families::V4),
        &json!({ "ipam": { "type": "spy", "secret": 7 }, "unknown": { "deep": [1, null] } }),
    )
}

fn lease() -> Value {
    json!({ "cniVersion": "1.1.0", "ips": [{ "address": "10.1.2.50/24" }] })
}

fn seen(file: &str) -> String {
    fs::read_to_string(format!("{SEEN}/{file}"))
        .unwrap_or_else(|error| panic!("the spy was not asked: {file}: {error}"))
}

/// The delegate saw the host's namespace, our whole environment but for the operation, and the configuration.
fn saw_everything(stage: &Stage, operation: &str, conf: &Value, netns: &str) {
    let host = stage.node.exec(&["readlink", "/proc/self/ns/net"]).stdout;
    let bin = stage.bin.display();
    let environment = seen(&format!("{operation}.env"));
    let wanted = format!(
        "{host}CNI_ARGS=IgnoreUnknown=1;A=b\nCNI_COMMAND={operation}\nCNI_CONTAINERID=p1\nCNI_IFNAME=eth0\nCNI_NETNS={netns}\nCNI_PATH={bin}\nMARK=here\n"
    );
    // P-050
    assert_eq!(environment, wanted);
    let stdin: Value = serde_json::from_str(&seen(&format!("{operation}.stdin"))).expect("the configuration");
    assert_eq!(&stdin, conf);
}

#[test]
fn a_delegate_sees_the_hosts_namespace_and_all_that_we_were_given() {
    let stage = stage(&lease());
    let pod = stage.node.pod("p1");
    let call = stage.call(&pod, &conf()).args("IgnoreUnknown=1;A=b").env("MARK", "here");
    let result = call.clone().command("ADD").run().result();
    assert_eq!(result["ips"], json!([{ "interface": 2, "address": "10.1.2.50/24", "gateway": "10.1.2.1" }]));
    saw_everything(&stage, "ADD", &conf(), pod.path());
    let later = with_result(&conf(), &result);
    for operation in ["CHECK", "DEL"] {
        call.clone().command(operation).conf(&later).run().succeeded();
        // P-051
        saw_everything(&stage, operation, &later, pod.path());
    }
}

#[test]
fn a_delegates_error_is_ours_with_its_code_and_del_follows() {
    let stage = stage(&json!({ "cniVersion": "1.1.0", "code": 117, "msg": "no beds", "details": "tonight" }));
    let pod = stage.node.pod("p1");
    let before = Snapshot::take(&stage.node);
    let call = stage.call(&pod, &conf()).args("IgnoreUnknown=1;A=b").env("MARK", "here");
    let error = call.command("ADD").run().error();
    assert_eq!(error, json!({ "cniVersion": "1.1.0", "code": 117, "msg": "no beds", "details": "tonight" }));
    // P-041, in the host's namespace too.
    saw_everything(&stage, "DEL", &conf(), pod.path());
    stage.nothing_left_since(&before);
}

#[test]
fn del_follows_in_the_hosts_namespace_when_the_failure_is_our_own() {
    let bad = with(&lease(), &json!({ "routes": [{ "dst": "10.77.0.0/16", "gw": "192.168.77.1" }] }));
    let stage = stage(&bad);
    let pod = stage.node.pod("p1");
    let call = stage.call(&pod, &conf()).args("IgnoreUnknown=1;A=b").env("MARK", "here");
    assert_eq!(call.command("ADD").run().error()["code"], 999);
    saw_everything(&stage, "DEL", &conf(), pod.path());
    assert_eq!(pod.links(), ["lo"]);
}

// P-053
#[test]
fn a_result_without_addresses_is_a_failure() {
    let stage = stage(&json!({ "cniVersion": "1.1.0", "ips": [] }));
    let pod = stage.node.pod("p1");
    let error = stage.refused(&pod, &conf());
    assert_eq!(error["msg"], "IPAM plugin returned missing IP config");
    assert!(Path::new(SEEN).join("DEL.env").exists());
}

// P-053
#[test]
fn a_result_of_any_version_is_understood() {
    for old in [
        json!({ "cniVersion": "0.2.0", "ip4": { "ip": "10.1.2.50/24", "gateway": "10.1.2.1" }, "dns": {} }),
        json!({ "cniVersion": "0.4.0", "ips": [{ "version": "4", "address": "10.1.2.50/24", "gateway": "10.1.2.1" }], "dns": {} }),
    ] {
        let stage = stage(&old);
        let pod = stage.node.pod("p1");
        let result = stage.add(&pod, &conf());
        assert_eq!(
            result["ips"],
            json!([{ "interface": 2, "address": "10.1.2.50/24", "gateway": "10.1.2.1" }])
        );
        pod.ping("10.1.2.1");
    }
}

#[test]
fn del_asks_the_delegate_without_a_namespace_too() {
    let stage = stage(&lease());
    let pod = stage.node.pod("p1");
    stage.add(&pod, &conf());
    stage.call(&pod, &conf()).env("CNI_NETNS", "").command("DEL").run().succeeded();
    assert!(seen("DEL.env").contains("CNI_NETNS=\n"));
}

// B-07, P-046: and STATUS, P-045.
#[test]
fn gc_and_status_are_forwarded() {
    let stage = stage(&lease());
    let gc = with(&conf(), &json!({ "cni.dev/valid-attachments": [] }));
    let call = sandbox::Call::new(stage.bin.join("bridge"));
    call.clone().command("GC").conf(&gc).run().succeeded();
    assert_eq!(serde_json::from_str::<Value>(&seen("GC.stdin")).expect("the configuration"), gc);
    call.command("STATUS").conf(conf()).run().succeeded();
    assert!(seen("STATUS.env").starts_with("net:"));
}

/// A copy of our binary that is another build, by its build id: it must be executed.
fn other_build(stage: &Stage) -> PathBuf {
    const NOTE: [u8; 16] = [4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, b'G', b'N', b'U', 0];
    let mut program = fs::read(env!("CARGO_BIN_EXE_cni")).expect("our own program");
    let head = program.windows(NOTE.len()).position(|window| window == NOTE).expect("a build id");
    program[head + NOTE.len()] ^= 0xff;
    let path = Path::new("/run/sandbox-other");
    fs::write(path, program)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
        .expect("a copy");
    fs::remove_file(stage.bin.join("host-local")).expect("ours is there");
    stage.node.install(path, &["host-local"]);
    path.to_owned()
}

/// Whose process host-local runs in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HostLocal {
    InProcess,
    Executed,
}

/// Results and host-local's files through a life: two pods, one DEL, a third pod, a repeated ADD.
fn life(host_local: HostLocal) -> (Vec<String>, String) {
    let on_its_own_node = thread::spawn(move || {
        let stage = Stage::new();
        if host_local == HostLocal::Executed {
            other_build(&stage);
        }
        let conf =
            with(&newest(Families::Dual), &json!({ "ipam": { "routes": [{ "dst": "10.20.0.0/16" }] } }));
        let pods = ["p1", "p2", "p3"].map(|name| stage.node.pod(name));
        let mut said = Vec::new();
        for (pod, operation) in
            [(&pods[0], "ADD"), (&pods[1], "ADD"), (&pods[0], "DEL"), (&pods[2], "ADD"), (&pods[2], "ADD")]
        {
            let reply = stage.call(pod, &conf).command(operation).run();
            said.push(without_bridge_mac(&reply.stdout));
        }
        let files = stage
            .node
            .sh("cd /var/lib/cni/networks; find . -printf '%p %m %s\\n' | sort; grep -r . . | sort")
            .stdout;
        (said, files)
    });
    on_its_own_node.join().expect("the other node's thread says why")
}

/// A new bridge's MAC is by chance.
fn without_bridge_mac(text: &str) -> String {
    let Ok(mut result) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    if let Some(mac) = result.pointer_mut("/interfaces/0/mac") {
        *mac = Value::Null;
    }
    result.to_string()
}

#[test]
fn host_local_in_process_and_executed_say_and_keep_the_same() {
    let (in_process, executed) = (life(HostLocal::InProcess), life(HostLocal::Executed));
    assert_eq!(in_process.0, executed.0);
    assert_eq!(in_process.1, executed.1);
}
