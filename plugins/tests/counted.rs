//! What calls cost that is the same on every machine: system calls, messages to the kernel, processes, memory.
//!
//! The limits are what calls take, and a little more: who needs more says here what for. Of the program that is shipped
//! (`TRESTLE_BINARY`) everything counts; what a program of another build does before it reads its input is its
//! loader's.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sandbox::{Call, Directory, Node, Pod, Tally, counted, plugins_dir};
use serde_json::{Value, json};

/// Of an ADD, what a plugin may do at most: system calls, messages to the kernel.
struct Limit {
    plugin: &'static str,
    system_calls: usize,
    sends: usize,
}

/// The list, as a runtime runs it.
const LIST: [Limit; 6] = [
    Limit { plugin: "loopback", system_calls: 60, sends: 4 },
    Limit { plugin: "bridge", system_calls: 120, sends: 6 },
    Limit { plugin: "portmap", system_calls: 105, sends: 15 },
    Limit { plugin: "firewall", system_calls: 115, sends: 13 },
    Limit { plugin: "bandwidth", system_calls: 96, sends: 13 },
    Limit { plugin: "tuning", system_calls: 78, sends: 1 },
];

/// What a static program does before it reads its input, and what another C library's heap and files take beyond that.
const STARTING: usize = 17;
const UNSHIPPED: usize = 30;

/// `bridge` with a host-local of another build, which is a process of its own.
const FOREIGN: usize = 200;

/// A plugin's memory, and that of one that is not optimized, in KiB. Most of it is the program's own file, mapped sixteen pages
/// at a fault, which all that run share with the page cache: what runs lies together in it (`order.ld`).
const MEMORY: u64 = 2048;
const MEMORY_UNSHIPPED: u64 = 16 * 1024;

/// The length of the program that is all plugins, in bytes.
const PACKED: u64 = 4 << 20;

fn shipped() -> Option<PathBuf> {
    std::env::var_os("TRESTLE_BINARY").map(PathBuf::from)
}

fn binary() -> PathBuf {
    shipped().unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_cni")))
}

/// host-local as another build would have it: the same program with another build id.
fn another_build() -> Directory {
    const NOTE: [u8; 16] = [4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, b'G', b'N', b'U', 0];
    let mut bytes = fs::read(binary()).expect("the binary under test");
    let note = bytes.windows(NOTE.len()).position(|window| window == NOTE).expect("it has a build id");
    bytes[note + NOTE.len()] ^= 1;
    let file = Path::new("/run/another-build");
    fs::write(file, bytes).expect("the node's own /run");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    plugins_dir(file, &["host-local"])
}

fn conf(plugin: &str, port: u16, result: &Value) -> Value {
    let mut conf = match plugin {
        "bridge" => json!({
            "bridge": "cni0", "isGateway": true,
            "ipam": {
                "type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}],
            },
        }),
        "portmap" => json!({"snat": true, "runtimeConfig": {"portMappings": [
            {"hostPort": port, "containerPort": 80, "protocol": "tcp"},
        ]}}),
        "bandwidth" => json!({"runtimeConfig": {"bandwidth": {
            "ingressRate": 100_000_000, "ingressBurst": 4_294_967_295_u32,
            "egressRate": 100_000_000, "egressBurst": 4_294_967_295_u32,
        }}}),
        "tuning" => json!({"sysctl": {"net.core.somaxconn": "500"}}),
        _ => json!({}),
    };
    conf["cniVersion"] = json!("1.0.0");
    conf["name"] = json!("net");
    conf["type"] = json!(plugin);
    if !["loopback", "bridge"].contains(&plugin) && result.is_object() {
        conf["prevResult"] = result.clone();
    }
    conf
}

fn call(bin: &Path, command: &str, plugin: &str, pod: &Pod, result: &Value) -> Call {
    let ifname = if plugin == "loopback" { "lo" } else { "eth0" };
    Call::new(bin.join(plugin)).command(command).container(pod.name()).netns(pod).ifname(ifname).conf(conf(
        plugin,
        if pod.name() == "first" { 8080 } else { 8081 },
        result,
    ))
}

/// Those of its system calls that count.
fn system_calls(counted: &Tally) -> usize {
    if shipped().is_some() {
        return counted.system_calls;
    }
    (counted.system_calls - counted.starting + STARTING).saturating_sub(UNSHIPPED)
}

#[test]
fn calls_stay_within_what_they_may_take() {
    let node = Node::enter();
    let names = LIST.map(|limit| limit.plugin);
    let bin = node.install(&binary(), &[&names[..], &["host-local"]].concat());
    let (first, second) = (node.pod("first"), node.pod("second"));
    let memory = if shipped().is_some() { MEMORY } else { MEMORY_UNSHIPPED };
    let mut over = Vec::new();
    let (mut result, mut earlier) = (Value::Null, Value::Null);
    for limit in &LIST {
        // What the first pod of a node brings stays, and is not counted.
        earlier = call(&bin, "ADD", limit.plugin, &first, &earlier).run().result();
        let done = counted(&call(&bin, "ADD", limit.plugin, &second, &result));
        result = done.reply.result();
        let found = (system_calls(&done), done.sends);
        if found.0 > limit.system_calls || found.1 > limit.sends {
            over.push(format!(
                "{} ADD: {} system calls of {}, {} sends of {}",
                limit.plugin, found.0, limit.system_calls, found.1, limit.sends
            ));
        }
        alone(&done, limit.plugin, memory);
    }
    for limit in LIST.iter().rev() {
        let done = counted(&call(&bin, "DEL", limit.plugin, &second, &result));
        done.reply.succeeded();
        alone(&done, limit.plugin, memory);
    }
    assert_eq!(over, [""; 0]);
}

/// One process, one program, and no more memory than this.
#[track_caller]
fn alone(done: &Tally, plugin: &str, memory: u64) {
    assert_eq!((done.processes, done.programs.len()), (1, 1), "{plugin}: {:?}", done.programs);
    assert!(done.peak > 0 && done.peak <= memory, "{plugin}: {} KiB", done.peak);
}

#[test]
fn only_a_foreign_delegate_is_another_process() {
    let node = Node::enter();
    let bin = node.install(&binary(), &["bridge"]);
    let delegates = another_build();
    let path = delegates.path().display().to_string();
    let (first, second) = (node.pod("first"), node.pod("second"));
    call(&bin, "ADD", "bridge", &first, &Value::Null).path(&path).run().succeeded();
    let done = counted(&call(&bin, "ADD", "bridge", &second, &Value::Null).path(&path));
    done.reply.succeeded();
    assert_eq!(done.processes, 2, "{:?}", done.programs);
    assert!(done.programs[1].ends_with("/host-local"), "{:?}", done.programs);
    // A loader of the delegate's can't be told from it.
    let found = done.system_calls;
    assert!(shipped().is_none() || found <= FOREIGN, "{found} system calls of {FOREIGN}");
    assert!(done.sends <= 6, "{} sends", done.sends);
}

#[test]
fn iptables_runs_where_it_was_asked_for() {
    let node = Node::enter();
    let bin = node.install(&binary(), &["bridge", "host-local", "portmap"]);
    let pod = node.pod("pod");
    let result = call(&bin, "ADD", "bridge", &pod, &Value::Null).run().result();
    let mut conf = conf("portmap", 8080, &result);
    conf["backend"] = json!("iptables");
    let done = counted(&call(&bin, "ADD", "portmap", &pod, &Value::Null).conf(&conf));
    done.reply.succeeded();
    let others = &done.programs[1..];
    let iptables = |program: &String| program.contains("tables");
    assert!(!others.is_empty() && others.iter().all(iptables), "{others:?}");
}

#[test]
fn all_plugins_are_one_small_file() {
    let Some(shipped) = shipped() else {
        // What is not shipped may be as long as it likes, but is one file, too.
        assert!(binary().is_file());
        return;
    };
    let length = fs::metadata(&shipped).expect("TRESTLE_BINARY names a file").len();
    assert!(length <= PACKED, "{length} bytes");
}
