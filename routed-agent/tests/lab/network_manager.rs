//! NetworkManager, Debian's own, on a system bus of the host's own: `deploy/NetworkManager` keeps it off what is ours.

use std::path::Path;

use sandbox::{Daemon, Place, cached};

use crate::cluster::Member;
use crate::networkd::READY;

/// Ours, and the folder from which it is told to read such files: the host's `/etc/NetworkManager` is nobody's to write to.
const KEEP_OFF: &str = include_str!("../../../deploy/NetworkManager/10-trestle.conf");
const FILES: &str = "/run/NetworkManager-files";

/// What an administrator has anyway. Who may do what is polkit's affair, which isn't here.
const MAIN: &str = "[main]\nplugins=keyfile\nauth-polkit=false\ndns=none\n";

/// A bus on which everybody may do everything.
const BUS: &str = r#"<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"#;

/// The host's side of the network: by its names, what the agent and the plugins have made.
fn is_ours(link: &str) -> bool {
    link == "cni0" || ["flannel", "veth"].iter().any(|prefix| link.starts_with(prefix))
}

/// Sets up a program of the package, which was unpacked and never installed.
fn unpacked(program: &str) -> [String; 2] {
    let root = cached("network-manager").display().to_string();
    let libraries = format!("LD_LIBRARY_PATH={root}/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    [libraries, format!("{root}/usr/{program}")]
}

/// A start of NetworkManager, until it is as far: what it says then of each link that is ours.
fn start(member: &Member, far: fn(&str) -> bool) -> Vec<String> {
    let machine = &member.machine;
    machine.sh(READY);
    let [libraries, program] = unpacked("sbin/NetworkManager");
    // What it keeps is its own.
    let script = format!(
        "mount -t tmpfs tmpfs /var/lib; mkdir /var/lib/NetworkManager
         exec env {libraries} {program} --debug --config={FILES}/main.conf --config-dir={FILES}/conf.d \
             --system-config-dir={FILES}/none --pid-file=/run/NetworkManager.pid --state-file={FILES}/state \
             --intern-config={FILES}/intern.conf"
    );
    let mut daemon = machine.within(|| {
        Daemon::start(&["unshare", "-m", "sh", "-ec", &script], Path::new("/run/NetworkManager.log"))
    });
    let [libraries, nmcli] = unpacked("bin/nmcli");
    let ask = ["env", &libraries, &nmcli, "--terse", "--fields=DEVICE,STATE", "device"];
    let mut said = String::new();
    daemon.until("NetworkManager has seen the links", || {
        said = machine.try_exec(&ask).stdout;
        far(&said)
    });
    machine.within(|| daemon.terminate());
    let ours = said.lines().filter(|line| line.split(':').next().is_some_and(is_ours));
    ours.map(str::to_owned).collect()
}

/// Has it taken the first link and the last?
fn has_first_and_last(said: &str) -> bool {
    let taken = |link: &str| said.lines().any(|line| line.starts_with(&format!("{link}:connect")));
    taken("eth0") && taken("last")
}

/// Does it ask a DHCP server for an address of a pod's host side, or hold it in another way?
fn has_a_pods(said: &str) -> bool {
    said.lines().any(|line| line.starts_with("veth") && !line.ends_with(":unmanaged"))
}

/// By our file it leaves alone every link of ours, again after a restart, and all that is on them; without it, it takes a pod's.
pub(crate) fn leaves_ours_alone(member: &Member, ours: impl Fn() -> String) {
    member.machine.sh(&format!("mkdir -p {FILES}/conf.d /run/dbus"));
    for (name, text) in [("main.conf", MAIN), ("conf.d/10-trestle.conf", KEEP_OFF)] {
        member.write(&format!("{FILES}/{name}"), text);
    }
    member.write("/run/dbus/bus.conf", BUS);
    let command = ["dbus-daemon", "--config-file=/run/dbus/bus.conf", "--nofork", "--nopidfile"];
    let mut bus = member.machine.within(|| Daemon::start(&command, Path::new("/run/dbus/log")));
    bus.until("the bus", || member.machine.within(|| Path::new("/run/dbus/system_bus_socket").exists()));

    member
        .machine
        .sh("ip link add last type veth peer name its-peer; ip link set its-peer up; ip link set last up");
    let before = ours();
    let links = member.machine.exec(&["ls", "/sys/class/net"]).stdout;
    let expected = links.lines().filter(|link| is_ours(link)).count();
    for _ in 0..2 {
        let told = start(member, has_first_and_last);
        assert_eq!(told.len(), expected, "{told:?}\n{links}");
        assert!(told.iter().all(|line| line.ends_with(":unmanaged")), "{told:?}");
        assert_eq!(ours(), before);
    }
    member.machine.sh(&format!("rm {FILES}/conf.d/10-trestle.conf"));
    start(member, has_a_pods);
}
