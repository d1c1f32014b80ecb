//! `host-device` by the place of a device in the machine: on the PCI bus, on the auxiliary bus, by its path. No such
//! hardware can be had here, so the node has a `/sys` of its own that tells of it; the link is a veth end. Upstream: "Works
//! with a valid config on auxiliary device", "Works with a valid dpdk config with IPAM", "… without IPAM".

use sandbox::{Allowed, Place, Snapshot};
use serde_json::{Value, json};

use crate::stage::{Stage, link, msg, v4, with};

const MAC: &str = "02:00:00:00:00:55";

/// A network card, one of a virtual machine, one that lends a part of itself, and one that a program drives. Whose the
/// link `dev0` is, [`Machine::owns`] says.
const CARD: &str = "0000:00:1f.6";
const VIRTIO: &str = "0000:00:02.0";
const PARENT: &str = "0000:03:00.0";
const PART: &str = "mlx5_core.sf.4";
const TAKEN: &str = "0000:04:00.1";

/// A node with `dev0`, and a `/sys` of its own.
struct Machine {
    stage: Stage,
}

impl Machine {
    fn new() -> Self {
        let stage = Stage::new();
        stage.node.sh(&format!(
            "ip link add dev0 address {MAC} type veth peer name far0; ip link set far0 up
             mount -t tmpfs tmpfs /sys
             mkdir -p /sys/bus/pci/devices /sys/bus/pci/drivers/e1000e /sys/bus/virtio /sys/class/net
             mkdir -p /sys/bus/auxiliary/devices
             for driver in vfio-pci uio_pci_generic igb_uio; do mkdir /sys/bus/pci/drivers/$driver; done
             for address in {CARD} {VIRTIO} {PARENT} {TAKEN}; do
                 mkdir -p /sys/devices/pci/$address
                 ln -s /sys/devices/pci/$address /sys/bus/pci/devices/$address
                 ln -s /sys/bus/pci /sys/devices/pci/$address/subsystem
                 ln -s /sys/bus/pci/drivers/e1000e /sys/devices/pci/$address/driver
             done
             mkdir -p /sys/devices/pci/{VIRTIO}/virtio0 /sys/devices/pci/{PARENT}/{PART}
             ln -s /sys/bus/virtio /sys/devices/pci/{VIRTIO}/virtio0/subsystem
             ln -s /sys/bus/auxiliary /sys/devices/pci/{PARENT}/{PART}/subsystem
             ln -s /sys/devices/pci/{PARENT}/{PART} /sys/bus/auxiliary/devices/{PART}"
        ));
        Self { stage }
    }

    /// The device of this path below `/sys/devices/pci` has these links from now on, and no other device has one.
    fn owns(&self, device: &str, links: &[&str]) {
        self.stage.node.sh("find /sys/devices -name net -exec rm -r {} +; rm -f /sys/class/net/*");
        for name in links {
            self.stage.node.sh(&format!(
                "mkdir -p /sys/devices/pci/{device}/net/{name}
                 ln -s /sys/devices/pci/{device} /sys/devices/pci/{device}/net/{name}/device
                 ln -s /sys/devices/pci/{device}/net/{name} /sys/class/net/{name}"
            ));
        }
    }

    /// Which driver has the device [`TAKEN`].
    fn driver(&self, name: &str) {
        self.stage.node.sh(&format!("ln -sfn /sys/bus/pci/drivers/{name} /sys/devices/pci/{TAKEN}/driver"));
    }

    fn before(&self) -> Snapshot {
        self.stage.before().forgiving(&[Allowed::Containing("dev0"), Allowed::Containing("far0")])
    }
}

fn id(id: &str) -> Value {
    json!({ "runtimeConfig": { "deviceID": id } })
}

// B-13: DEL asks no bus. B-26: the result names the PCI device, whichever key found it.
#[test]
fn a_device_is_found_by_its_place_in_the_machine_and_the_result_has_its_pci_address() {
    let machine = Machine::new();
    let stage = &machine.stage;
    let virtio = format!("{VIRTIO}/virtio0");
    let part = format!("{PARENT}/{PART}");
    let pod = stage.node.pod("p1");
    let before = machine.before();
    let own = &["dev0"][..];
    for (device, links, keys, pci) in [
        (CARD, own, json!({ "pciBusID": CARD }), json!(CARD)),
        (CARD, own, json!({ "kernelpath": format!("/sys/devices/pci/{CARD}") }), json!(CARD)),
        (CARD, own, json!({ "device": "dev0" }), json!(CARD)),
        // Its functions have links, too, and one is in another namespace.
        (CARD, &["dev0_1", "dev0_0", "dev0", "a0"], id(CARD), json!(CARD)),
        (&virtio, own, json!({ "pciBusID": VIRTIO }), json!(VIRTIO)),
        (&virtio, own, json!({ "hwaddr": MAC }), json!(VIRTIO)),
        // It is on the auxiliary bus; the address on the PCI bus is its parent's.
        (&part, own, id(PART), Value::Null),
    ] {
        machine.owns(device, links);
        let written = v4("host-device", &keys);
        let result = stage.add(&pod, &written);
        assert_eq!(result["interfaces"][0]["pciID"], pci, "{keys}");
        assert_eq!([&link(&pod, "eth0")["address"], &link(&pod, "eth0")["ifalias"]], [MAC, "dev0"]);
        // Where the link has gone, the host's bus has none.
        machine.owns(device, &[]);
        stage.check(&pod, &written, &result).succeeded();
        // Pulled out, or handed to another driver.
        stage.node.sh("mv /sys/bus/pci/devices /sys/bus/pci/gone");
        stage.del(&pod, &written, &result);
        stage.node.sh("mv /sys/bus/pci/gone /sys/bus/pci/devices");
        assert_eq!(link(&stage.node, "dev0")["address"], MAC, "{keys}");
    }
    before.assert_same(&Snapshot::take(&stage.node));
}

#[test]
fn a_device_that_a_program_drives_gets_addresses_and_no_link() {
    let machine = Machine::new();
    let stage = &machine.stage;
    let pod = stage.node.pod("p1");
    let before = machine.before();
    for (driver, keys) in [
        ("vfio-pci", json!({ "pciBusID": TAKEN })),
        ("uio_pci_generic", id(TAKEN)),
        ("igb_uio", json!({ "pciBusID": TAKEN })),
    ] {
        machine.driver(driver);
        let written = v4("host-device", &keys);
        let result = stage.add(&pod, &written);
        assert_eq!(
            result["interfaces"],
            json!([{ "name": "eth0", "sandbox": pod.path(), "pciID": TAKEN }]),
            "{driver}"
        );
        assert_eq!(result["ips"][0]["gateway"], "10.1.2.1");
        assert_eq!(pod.links(), ["lo"]);
        stage.check(&pod, &written, &result).succeeded();
        assert_eq!(stage.status(&written), 0);
        // The reference's result has no interface; its pods are checked, too.
        stage.check(&pod, &written, &with(&result, &json!({ "interfaces": null }))).succeeded();
        stage.del(&pod, &written, &result);
        // CHECK asks IPAM, whose lease is gone.
        let error = stage.check(&pod, &written, &result).error();
        assert!(msg(&error).contains("Failed to find address"), "{error}");
    }
    let without = with(&v4("host-device", &json!({ "pciBusID": TAKEN })), &json!({ "ipam": null }));
    let result = stage.add(&pod, &without);
    assert_eq!([&result["ips"], &result["interfaces"][0]["pciID"]], [&Value::Null, &json!(TAKEN)]);
    stage.check(&pod, &without, &result).succeeded();
    stage.del(&pod, &without, &result);
    before.assert_same(&Snapshot::take(&stage.node));
}

#[test]
fn a_device_without_a_link_is_named_and_takes_no_address() {
    let machine = Machine::new();
    let stage = &machine.stage;
    let pod = stage.node.pod("p1");
    let before = machine.before();
    for (keys, said) in [
        (json!({ "pciBusID": CARD }), format!("pciBusID: there is no device {CARD:?}, or it has no link")),
        (id(CARD), format!("DeviceID {CARD} not found")),
        (id(PART), format!("DeviceID {PART} not found")),
        (id("../pci"), "DeviceID ../pci not found".to_owned()),
        (json!({ "kernelpath": format!("/sys/devices/pci/{CARD}") }), format!("{CARD} has no link")),
        (json!({ "kernelpath": format!("/sys/devices/../bus/pci/devices/{CARD}") }), "begin with".to_owned()),
    ] {
        let error = stage.refused(&pod, &v4("host-device", &keys));
        assert!(error["code"] == 7 && msg(&error).contains(&said), "{error}");
    }
    assert_eq!(stage.status(&v4("host-device", &json!({ "pciBusID": CARD }))), 50);
    before.assert_same(&Snapshot::take(&stage.node));
}

// What a bus calls it by now is not what it is called at home.
#[test]
fn a_device_that_was_sent_back_under_another_name_goes_home_by_its_own() {
    let machine = Machine::new();
    let stage = &machine.stage;
    for keys in [json!({ "pciBusID": CARD }), json!({ "hwaddr": MAC })] {
        machine.owns(CARD, &["dev0"]);
        let (first, second) = (stage.node.pod("p1"), stage.node.pod("p2"));
        let written = v4("host-device", &keys);
        stage.add(&first, &written);
        stage.node.sh(&format!("nsenter --net={} ip link set eth0 netns $$ name dev7", first.path()));
        machine.owns(CARD, &["dev7"]);
        let result = stage.add(&second, &written);
        assert_eq!(link(&second, "eth0")["ifalias"], "dev0", "{keys}");
        stage.del(&second, &written, &result);
        assert_eq!(link(&stage.node, "dev0")["address"], MAC, "{keys}");
        let call = stage.call(&first, &written);
        first.remove();
        call.without("CNI_NETNS").command("DEL").run().succeeded();
        assert_eq!(link(&stage.node, "dev0")["address"], MAC, "{keys}");
    }
}
