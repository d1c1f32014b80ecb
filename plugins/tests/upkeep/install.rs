//! `cni install`, and what may happen to the files that it put there.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use sandbox::{Call, Node, PATIENCE, Place, eventually};
use serde_json::json;

use crate::names::NAMES;
use crate::network::BINARY;

const DIRECTORY: &str = "/opt/cni/bin";

/// The program under test, from where an administrator unpacked it.
fn install(node: &Node) -> String {
    let said = node.exec(&[BINARY, "install", DIRECTORY]);
    assert_eq!(said.stderr, "");
    said.stdout
}

fn files() -> Vec<String> {
    let entries = fs::read_dir(DIRECTORY).expect("the plugins' directory").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn inode(name: &str) -> u64 {
    fs::metadata(Path::new(DIRECTORY).join(name)).expect("an installed file").ino()
}

fn answers(name: &str) -> bool {
    let call =
        Call::new(Path::new(DIRECTORY).join(name)).command("VERSION").conf(json!({ "cniVersion": "1.1.0" }));
    call.run().result()["supportedVersions"].is_array()
}

#[test]
fn every_name_gets_a_file_of_its_own_that_everybody_may_run() {
    let node = Node::enter();
    let said = install(&node);
    let mut lines: Vec<_> = said.lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, NAMES.map(|name| format!("{DIRECTORY}/{name}")));
    assert_eq!(files(), NAMES);
    let mut inodes = NAMES.map(inode).to_vec();
    inodes.sort_unstable();
    inodes.dedup();
    assert_eq!(inodes.len(), NAMES.len());
    let program = fs::read(BINARY).expect("the program under test");
    for name in NAMES {
        let path = Path::new(DIRECTORY).join(name);
        assert_eq!(fs::metadata(&path).expect("an installed file").permissions().mode() & 0o7777, 0o755);
        assert!(fs::read(&path).expect("an installed file") == program, "{name} is another program");
        assert!(name == "cni" || answers(name));
    }
    // From the installed file itself, and again.
    for _ in 0..2 {
        node.exec(&["/opt/cni/bin/cni", "install", DIRECTORY]);
        assert_eq!(files(), NAMES);
        assert!(answers("bridge"));
    }
}

#[test]
fn a_directory_that_is_missing_is_made() {
    let node = Node::enter();
    node.exec(&[BINARY, "install", "/run/some/where"]);
    assert!(Path::new("/run/some/where/bridge").exists());
}

#[test]
fn a_directory_that_takes_no_programs_is_named_with_the_reason() {
    let node = Node::enter();
    node.sh("mkdir /run/fixed /run/data; mount -t tmpfs -o ro tmpfs /run/fixed; mount -t tmpfs -o noexec tmpfs /run/data; echo >/run/file");
    for (directory, reasons) in [
        ("/run/fixed", ["Read-only file system", "hostPaths.cniBin"]),
        ("/run/fixed/bin", ["Read-only file system", "hostPaths.cniBin"]),
        ("/run/data", ["noexec", "no program can be run from there"]),
        ("/run/file", ["File exists", "a file has the name"]),
        ("/run/file/bin", ["Not a directory", "a file has the name"]),
    ] {
        let said = node.try_exec(&[BINARY, "install", directory]);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{directory}: {said:?}");
        let wanted = format!("cni install: cannot install plugins into {directory}: ");
        assert!(said.stderr.starts_with(&wanted), "{}", said.stderr);
        assert!(reasons.iter().all(|reason| said.stderr.contains(reason)), "{}", said.stderr);
    }
    assert_eq!(fs::read_dir("/run/data").expect("the node's own").count(), 0, "nothing was put there");
}

#[test]
fn a_file_that_is_being_run_is_replaced_and_runs_to_its_end() {
    let node = Node::enter();
    install(&node);
    let old = inode("host-local");
    // The plugin waits for the lock of its network.
    node.write("/var/lib/cni/networks/net1/lock", "");
    let lock = fs::File::open("/var/lib/cni/networks/net1/lock").expect("it was just written");
    lock.lock().expect("nobody else has it");
    let conf = json!({
        "cniVersion": "1.1.0", "name": "net1", "type": "bridge",
        "ipam": { "type": "host-local", "subnet": "10.1.2.0/24" },
    });
    let pod = node.pod("a");
    let call = Call::new("/opt/cni/bin/host-local")
        .command("ADD")
        .container("a")
        .netns(&pod)
        .ifname("eth0")
        .conf(conf);
    let running = call.spawn();
    let program = format!("/proc/{}/exe", running.id());
    let waits = eventually(PATIENCE, || {
        fs::read_to_string(format!("/proc/{}/syscall", running.id()))
            .is_ok_and(|call| call.starts_with(FLOCK))
    });
    assert!(waits, "host-local does not wait for its lock");
    install(&node);
    assert_ne!(inode("host-local"), old);
    assert_eq!(fs::metadata(&program).expect("it still runs").ino(), old);
    lock.unlock().expect("it is ours");
    assert_eq!(running.wait().result()["ips"][0]["address"], "10.1.2.2/24");
}

/// `flock(2)`'s number in `/proc/PID/syscall`.
const FLOCK: &str = if cfg!(target_arch = "x86_64") { "73 " } else { "32 " };

/// flannel's installer opens the file and writes over it.
#[test]
fn an_installer_that_writes_over_one_name_changes_that_name_only() {
    let node = Node::enter();
    install(&node);
    node.sh("printf '#!/bin/sh\\necho foreign\\n' >/run/foreign; cat /run/foreign >/opt/cni/bin/bridge");
    assert_eq!(node.exec(&["/opt/cni/bin/bridge"]).stdout, "foreign\n");
    assert!(answers("host-local") && answers("loopback"));
    install(&node);
    assert!(answers("bridge"));
}

#[test]
fn what_an_earlier_kill_left_goes_with_the_next_install() {
    let node = Node::enter();
    for name in NAMES {
        node.write(format!("{DIRECTORY}/.{name}.new"), "half of it");
    }
    install(&node);
    assert_eq!(files(), NAMES);
    assert!(answers("bridge"));
}

/// Any kernel keeps the attribute for root, whether it has SELinux or not.
#[test]
fn selinux_labels_stay() {
    let node = Node::enter();
    node.write("/opt/cni/bin/bridge", "#!/bin/sh\n");
    let (attribute, label) = ("security.selinux", b"system_u:object_r:bin_t:s0");
    xattr::set("/opt/cni/bin/bridge", attribute, label).expect("the attribute is set");
    for _ in 0..2 {
        install(&node);
        let kept = xattr::get("/opt/cni/bin/bridge", attribute).expect("the attribute is read");
        assert_eq!(kept.as_deref(), Some(&label[..]));
    }
}

#[test]
fn two_installers_at_once_take_turns() {
    let node = Node::enter();
    std::thread::scope(|scope| {
        let installers: Vec<_> = (0..4).map(|_| scope.spawn(|| install(&node))).collect();
        for installer in installers {
            assert_eq!(installer.join().expect("an installer succeeds").lines().count(), NAMES.len());
        }
    });
    assert_eq!(files(), NAMES);
    assert!(answers("bridge"));
}

#[test]
fn a_wrong_call_gets_the_usage() {
    let node = Node::enter();
    for arguments in [&["install"][..], &["install", "a", "b"], &["frobnicate"], &[]] {
        let said = node.try_exec(&[&[BINARY], arguments].concat());
        assert_eq!((said.code, said.stdout.as_str()), (2, ""));
        assert!(said.stderr.starts_with("usage:\n  cni install DIR "), "{}", said.stderr);
    }
}
