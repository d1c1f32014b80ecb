//! CNI spec 2, CHECK: is the container as ADD left it?

use super::{ATTACHING, KNOWN};
use crate::case::{Case, Of};
use crate::cases::breakage::ALARMED;
use crate::specimen::Kind;
use crate::unmet::fail;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "protocol.check-after-add",
        says: "CHECK right after ADD succeeds and prints nothing",
        source: "CNI spec 2, CHECK; CRI-O; P-044",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            a.check()?;
            a.del()
        },
        broken: ALARMED,
    },
    Case {
        id: "protocol.check-finds-a-lost-interface",
        says: "CHECK fails if the interface is gone",
        source: "CNI spec 2, CHECK; P-044, B-15",
        // Not those of packet rules: those hold for an address, whoever has it.
        of: Of::Plugins(&[
            "bridge",
            "ptp",
            "macvlan",
            "ipvlan",
            "vlan",
            "tap",
            "dummy",
            "host-device",
            "loopback",
            "flannel",
            "bandwidth",
            "tuning",
            "sbr",
            "vrf",
        ]),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            if stage.name == "loopback" {
                a.inside("ip link set lo down");
            } else if stage.name == "host-device" {
                a.inside("ip link set eth0 down && ip link set eth0 name elsewhere");
            } else {
                a.inside("ip link del eth0");
            }
            a.run("CHECK").error()?;
            a.run("DEL");
            Ok(())
        },
        broken: r#"on CHECK && ! within ip link show "$CNI_IFNAME" >/dev/null 2>&1 && exit 0; real"#,
    },
    Case {
        id: "protocol.check-finds-a-lost-address",
        says: "CHECK fails if an address of the result is gone",
        source: "CNI spec 2, CHECK; P-044",
        of: Of::Except(&[Kind::Interface], &["loopback"]),
        check: |stage| {
            let a = stage.attachment()?;
            let result = a.add()?;
            let Some(address) = result["ips"][0]["address"].as_str() else { fail!("no address: {result}") };
            a.inside(&format!("ip addr del {address} dev {}", a.ifname));
            a.run("CHECK").error()?;
            a.del()
        },
        broken: r#"on CHECK && ! within ip addr show "$CNI_IFNAME" | grep -q 'inet ' && exit 0; real"#,
    },
    Case {
        id: "protocol.check-allows-later-changes",
        says: "CHECK allows what later plugins of the chain may change: further routes and addresses",
        source: "CNI spec 2, CHECK; P-044",
        of: Of::Kinds(ATTACHING),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            a.inside(&format!(
                "ip addr add 192.0.2.7/32 dev {0} && ip route add 198.51.100.0/24 dev {0}",
                a.ifname
            ));
            a.check()?;
            a.del()
        },
        broken: "on CHECK && within ip route | grep -q 198.51 && refuse 11; real",
    },
    Case {
        id: "protocol.check-wants-prev-result",
        says: "CHECK without prevResult fails: it has nothing to compare with",
        source: "CNI spec 2, CHECK: prevResult is required; P-035",
        of: Of::Except(ATTACHING, &["loopback"]),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            stage.run(&a.call("CHECK").stdin(&a.conf)).error()?;
            a.del()
        },
        broken: "heard; on CHECK && ! has prevResult && exit 0; go",
    },
];
