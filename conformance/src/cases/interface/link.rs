//! The link itself: its MTU, its MAC, its mode, its way home.

use serde_json::{Value, json};

use crate::case::{Case, Of};
use crate::cases::breakage::NO_DEL;
use crate::specimen::Kind;
use crate::unmet::require;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "interface.mtu",
        says: "`mtu` is the interface's MTU",
        source: "cni.dev, the plugins' pages",
        of: Of::Plugins(&["bridge", "ptp", "macvlan", "ipvlan", "vlan", "tap"]),
        check: |stage| {
            let a = stage.attachment()?.with(&json!({ "mtu": 1400 }));
            a.add()?;
            let mtu = a.link()["mtu"].clone();
            require!(mtu == 1400, "the interface's MTU is {mtu}");
            a.del()
        },
        broken: "jq -c 'del(.mtu)' | real",
    },
    Case {
        id: "interface.mtu-of-the-master",
        says: "an MTU above the master's, or below zero, is refused",
        source: "cni.dev, macvlan; part 3: \"fails to create vlan link with greater MTU\"",
        of: Of::Plugins(&["macvlan", "ipvlan", "vlan"]),
        check: |stage| {
            for mtu in [9000, -1] {
                let a = stage.attachment()?.with(&json!({ "mtu": mtu }));
                a.run("ADD").error()?;
                require!(a.link().is_null(), "the interface stays: {}", a.link());
            }
            Ok(())
        },
        broken: "hears 'if .mtu == -1 then del(.mtu) else . end'",
    },
    Case {
        id: "interface.mac",
        says: "the MAC that runtimeConfig asks for is the interface's, and beats CNI_ARGS",
        source: "CONVENTIONS.md, mac; P-060, P-061, B-35",
        of: Of::Plugins(&["bridge", "macvlan", "tap"]),
        check: |stage| {
            let asked =
                json!({ "capabilities": { "mac": true }, "runtimeConfig": { "mac": "c2:11:22:33:44:55" } });
            let a = stage.attachment()?.with(&asked);
            let call = a.call("ADD").env("CNI_ARGS", "IgnoreUnknown=1;MAC=c2:11:22:33:44:66");
            stage.run(&call).success()?;
            require!(a.link()["address"] == "c2:11:22:33:44:55", "the MAC is {}", a.link()["address"]);
            a.del()
        },
        broken: "hears 'del(.runtimeConfig.mac)'",
    },
    Case {
        id: "interface.mac-of-cni-args",
        says: "the MAC that CNI_ARGS asks for is the interface's",
        source: "CNI spec 2, CNI_ARGS; part 3: \"from CNI_ARGS\"; P-062",
        of: Of::Plugins(&["bridge", "macvlan", "tap"]),
        check: |stage| {
            let a = stage.attachment()?;
            stage.run(&a.call("ADD").env("CNI_ARGS", "IgnoreUnknown=1;MAC=c2:11:22:33:44:66")).success()?;
            require!(a.link()["address"] == "c2:11:22:33:44:66", "the MAC is {}", a.link()["address"]);
            a.del()
        },
        broken: "unset CNI_ARGS; real",
    },
    Case {
        id: "interface.bad-values",
        says: "a value that its key can't have is refused",
        source: "cni.dev, the plugins' pages; CNI spec, error codes",
        of: Of::Plugins(&["bridge", "macvlan", "tap", "host-device"]),
        check: |stage| {
            let wrong: &[Value] = match stage.name {
                "bridge" => &[
                    json!({ "mtu": "1400" }),
                    json!({ "vlan": 5000 }),
                    json!({ "isGateway": "true" }),
                    json!({ "vlanTrunk": [{ "minID": 7, "maxID": 5 }] }),
                    json!({ "vlan": -1 }),
                    json!({ "vlanTrunk": [{ "id": 4095 }] }),
                    json!({ "vlanTrunk": [{ "id": -1 }] }),
                    json!({ "vlanTrunk": [{ "minID": 7 }] }),
                    json!({ "vlanTrunk": [{ "maxID": 7 }] }),
                    json!({ "vlanTrunk": [{ "minID": -7, "maxID": 7 }] }),
                    json!({ "vlanTrunk": [{ "minID": 7, "maxID": -7 }] }),
                    json!({ "vlanTrunk": [{ "minID": 4095, "maxID": 4096 }] }),
                    json!({ "vlanTrunk": [{ "minID": 7, "maxID": 4095 }] }),
                    json!({ "hairpinMode": true, "promiscMode": true }),
                ],
                "macvlan" => &[json!({ "mode": "other" }), json!({ "master": "nobody0" })],
                "tap" => &[json!({ "mtu": "1400" }), json!({ "multiQueue": 1 })],
                _ => &[json!({ "device": "nobody0" }), json!({ "device": null })],
            };
            for keys in wrong {
                let a = stage.attachment()?.with(keys);
                a.run("ADD").error()?;
                require!(a.link().is_null(), "with {keys} the interface is made: {}", a.link());
            }
            Ok(())
        },
        broken: r#"hears 'if .vlan == 5000 then del(.vlan) elif .mode == "other" then del(.mode) elif .multiQueue == 1 then del(.multiQueue) elif .device == "nobody0" then .device = "dev1" else . end'"#,
    },
    Case {
        id: "interface.device-comes-home",
        says: "DEL brings the device back to the node under its own name, and one that is not there is an error of ADD",
        source: "cni.dev, host-device; part 3: \"works with a valid config\"",
        of: Of::Plugins(&["host-device"]),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            let name = format!("dev{}", a.number);
            let there = stage.host(&format!("ip -o link show {name} 2>/dev/null || true"));
            require!(there.is_empty(), "the device is still on the node: {there}");
            a.del()?;
            let there = stage.host(&format!("ip -o link show {name} 2>/dev/null || true"));
            require!(!there.is_empty(), "the device {name} is not back on the node");
            Ok(())
        },
        broken: r#"heard; go; code=$?; on DEL && ip link set "$(printf %s "$in" | jq -r .device)" name elsewhere; exit "$code""#,
    },
    Case {
        id: "interface.loopback",
        says: "lo is up after ADD, has both its addresses, and is down after DEL",
        source: "part 3: \"sets the lo device to UP\", \"DOWN\"; containerd",
        of: Of::Plugins(&["loopback"]),
        check: |stage| {
            let a = stage.attachment()?;
            let result = a.add()?;
            require!(result["ips"][0]["address"] == "127.0.0.1/8", "no 127.0.0.1/8 in {result}");
            require!(a.inside("ip link show lo").contains(",UP"), "lo is down");
            a.del()?;
            require!(!a.inside("ip link show lo").contains(",UP"), "lo is up after DEL");
            Ok(())
        },
        broken: NO_DEL,
    },
    Case {
        id: "interface.del-without-master",
        says: "DEL succeeds if the master, or the default route that named it, is gone",
        source: "CNI spec 2, DEL; P-042, B-12",
        of: Of::Plugins(&["macvlan", "ipvlan", "vlan"]),
        check: |stage| {
            // Nothing was made: the kernel need not know such links.
            let mut conf = stage.whole_conf("1.0.0");
            stage.run(&stage.call("DEL").stdin(&conf)).silent_success()?;
            if stage.name != "vlan" {
                conf.as_object_mut().map(|conf| conf.remove("master"));
                stage.run(&stage.call("DEL").stdin(&conf)).silent_success()?;
            }
            Ok(())
        },
        broken: "on DEL && ! ip link show up0 >/dev/null 2>&1 && refuse 7; real",
    },
    Case {
        id: "interface.every-mode",
        says: "each mode that the kernel has is made",
        source: "cni.dev, macvlan",
        of: Of::Plugins(&["macvlan"]),
        check: |stage| {
            for mode in ["bridge", "private", "vepa"] {
                let a = stage.attachment()?.with(&json!({ "mode": mode }));
                a.add()?;
                let seen = a.link()["linkinfo"]["info_data"]["mode"].clone();
                require!(seen == mode, "asked for {mode}, the kernel says {seen}");
                a.del()?;
            }
            Ok(())
        },
        broken: r#"hears 'if .mode == "vepa" then del(.mode) else . end'"#,
    },
    Case {
        id: "interface.result-after-kind",
        says: "the interface is of the kind that the plugin makes",
        source: "cni.dev, the plugins' pages",
        of: Of::Kinds(&[Kind::Interface]),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            let kind = match stage.name {
                "bridge" | "ptp" | "flannel" | "host-device" => "veth",
                "tap" => "tun",
                "loopback" => return a.del(),
                other => other,
            };
            let seen = a.link()["linkinfo"]["info_kind"].clone();
            require!(seen == kind, "the interface is a {seen}, not a {kind}");
            a.del()
        },
        broken: r#"real; code=$?; on ADD && within ip link del "$CNI_IFNAME" && within ip link add "$CNI_IFNAME" type ifb; exit "$code""#,
    },
];
