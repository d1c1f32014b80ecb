//! firewalld, Debian's own, on a system bus of the node's own.

use std::path::Path;

use sandbox::{Call, Daemon, Place, cached};
use serde_json::{Value, json};

use crate::stage::{Container, Stage, conf};

/// A bus on which everybody may do everything.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

const NAME: &str = "org.fedoraproject.FirewallD1";

/// A node where firewalld decides.
struct Guarded {
    stage: Stage,
    firewalld: Option<Daemon>,
    #[expect(dead_code, reason = "it ends with the value")]
    bus: Daemon,
}

impl Guarded {
    fn new() -> Self {
        let stage = Stage::new();
        stage.node.write("/run/dbus/bus.conf", BUS);
        let command = ["dbus-daemon", "--config-file=/run/dbus/bus.conf", "--nofork", "--nopidfile"];
        let mut bus = Daemon::start(&command, Path::new("/run/dbus/log"));
        bus.until("the bus", || Path::new("/run/dbus/system_bus_socket").exists());
        let firewalld = firewalld(&stage);
        Self { stage, firewalld: Some(firewalld), bus }
    }

    /// Is the container's address a source of the zone, for all that firewalld says?
    fn has(&self, zone: &str, container: &Container) -> Vec<bool> {
        let address = |address: &String| {
            let bits = if address.contains(':') { 128 } else { 32 };
            let (zone, source) = (format!("string:{zone}"), format!("string:{address}/{bits}"));
            self.ask("querySource", [&zone, &source]).contains("true")
        };
        container.addresses().iter().map(address).collect()
    }

    /// What firewalld answers about a zone.
    fn ask(&self, method: &str, parameters: [&str; 2]) -> String {
        let (name, method) = (format!("--dest={NAME}"), format!("{NAME}.zone.{method}"));
        let object = "/org/fedoraproject/FirewallD1";
        let call = ["dbus-send", "--system", "--print-reply=literal", &name, object, &method];
        self.stage.node.exec(&[&call[..], &parameters].concat()).stdout
    }
}

/// Starts it, and waits until it is on the bus.
fn firewalld(stage: &Stage) -> Daemon {
    let root = cached("firewalld").display().to_string();
    let libraries = format!("PYTHONPATH={root}/usr/lib/python3/dist-packages");
    let (program, defaults, settings) = (
        format!("{root}/usr/sbin/firewalld"),
        format!("{root}/usr/lib/firewalld"),
        format!("{root}/etc/firewalld"),
    );
    // Debian's own Python has the bindings of D-Bus.
    let command = [
        "env",
        &libraries,
        "PYTHONDONTWRITEBYTECODE=1",
        "/usr/bin/python3",
        &program,
        "--nofork",
        "--nopid",
        "--default-config",
        &defaults,
        "--system-config",
        &settings,
        "--log-file",
        "/run/firewalld.log",
    ];
    let mut firewalld = Daemon::start(&command, Path::new("/run/firewalld.out"));
    let owned = [
        "dbus-send",
        "--system",
        "--print-reply=literal",
        "--dest=org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus.NameHasOwner",
        &format!("string:{NAME}"),
    ];
    firewalld.until("firewalld", || stage.node.try_exec(&owned).stdout.contains("true"));
    firewalld
}

/// Do connections come to the other's addresses? There nobody listens, so the other refuses them; firewalld says
/// something else.
fn connections(from: &Container, to: &Container) -> Vec<bool> {
    let refused = |address: &String| {
        let connect = format!("exec 3<>/dev/tcp/{address}/9");
        from.pod.try_exec(&["bash", "-c", &connect]).stderr.contains("Connection refused")
    };
    to.addresses().iter().map(refused).collect()
}

#[test]
fn with_firewalld_a_container_is_heard_as_a_source_of_its_zone() {
    let guarded = Guarded::new();
    let stage = &guarded.stage;
    let [one, two] = [stage.attached("one", 1), stage.attached("two", 2)];
    // From zone to zone nothing is forwarded by default.
    guarded.ask("addInterface", ["string:internal", "string:br2"]);
    assert_eq!(connections(&one, &two), [false, false]);
    for keys in [json!({}), json!({ "backend": "firewalld" })] {
        stage.add(&one, &keys);
        assert_eq!(guarded.has("trusted", &one), [true, true], "{keys}");
        assert_eq!(connections(&one, &two), [true, true], "{keys}");
        assert_eq!(stage.amiss(&one, &keys), "", "{keys}");
        // A second ADD finds the source there.
        stage.add(&one, &keys);
        stage.del(&one, &keys);
        assert_eq!(guarded.has("trusted", &one), [false, false], "{keys}");
        assert!(stage.amiss(&one, &keys).contains("missing"), "{keys}");
        stage.del(&one, &keys);
    }
}

#[test]
fn with_firewalld_a_zone_of_ones_own_may_be_named() {
    let guarded = Guarded::new();
    let stage = &guarded.stage;
    let keys = json!({ "firewalldZone": "internal" });
    let one = stage.protected("one", 1, &keys);
    assert_eq!(
        (guarded.has("internal", &one), guarded.has("trusted", &one)),
        (vec![true; 2], vec![false; 2])
    );
    let nowhere = json!({ "firewalldZone": "nowhere" });
    let other = stage.attached("other", 1);
    let error = stage.call(&other, &nowhere).command("ADD").run().error();
    assert!(error["msg"].as_str().is_some_and(|text| text.contains("INVALID_ZONE: nowhere")), "{error}");
    stage.del(&other, &nowhere);
    let gc = |valid: Value| {
        let mut collect = conf(1, &keys);
        collect["cni.dev/valid-attachments"] = valid;
        Call::new(stage.bin.join("firewall")).conf(collect).command("GC").run().succeeded();
    };
    gc(json!([{ "containerID": "one", "ifname": "eth0" }]));
    assert_eq!(guarded.has("internal", &one), [true, true]);
    gc(json!([]));
    assert_eq!(guarded.has("internal", &one), [false, false]);
}

#[test]
fn with_firewalld_restarted_the_sources_come_back() {
    let mut guarded = Guarded::new();
    let one = guarded.stage.protected("one", 1, &json!({}));
    drop(guarded.firewalld.take());
    guarded.firewalld = Some(firewalld(&guarded.stage));
    let stage = &guarded.stage;
    assert!(stage.amiss(&one, &json!({})).contains("missing"));
    stage.exec("/opt/cni/bin/cni restore");
    assert_eq!(stage.amiss(&one, &json!({})), "");
    // An address that is another's by now stays that one's.
    let mut new = stage.attached("new", 1);
    new.result["ips"] = one.result["ips"].clone();
    stage.add(&new, &json!({}));
    stage.del(&one, &json!({}));
    assert_eq!(stage.amiss(&new, &json!({})), "");
}
