//! What interface plugins do with their keys.

use serde_json::{Value, json};

use crate::case::{Case, Of};
use crate::cases::traffic::pod;
use crate::specimen::Kind;
use crate::unmet::{require, skip};

/// Those that delegate and work by veth, macvlan or tap.
const ADDRESSED: Of =
    Of::Plugins(&["bridge", "ptp", "macvlan", "ipvlan", "vlan", "tap", "dummy", "host-device"]);

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "interface.dual-stack",
        says: "an attachment has an address of each family that IPAM hands out, and each default route",
        source: "CNI spec 5, Success; part 3: \"configures and deconfigures … (dual)\"",
        of: ADDRESSED,
        check: |stage| {
            let a = pod(stage)?;
            a.add()?;
            let addresses = a.addresses();
            require!(addresses.len() == 2, "two addresses were handed out, the kernel has {addresses:?}");
            for family in ["-4", "-6"] {
                let route = a.ip(&format!("{family} route show default"));
                require!(route.as_array().is_some_and(|all| !all.is_empty()), "no default route of {family}");
            }
            a.check()?;
            a.del()
        },
        broken: "jq -c 'if .ipam.ranges then del(.ipam.ranges[1]) else . end' | real",
    },
    Case {
        id: "interface.routes",
        says: "routes that IPAM hands out are in the container, by their gateway or the address's",
        source: "CNI spec 5, Success; part 3: ConfigureIface; P-074",
        of: ADDRESSED,
        check: |stage| {
            let mut a = stage.attachment()?;
            // On a point-to-point link the other end is the only neighbour.
            let gateway = if stage.name == "ptp" { "10.77.0.1" } else { "10.77.0.9" };
            a.conf["ipam"]["routes"] =
                json!([{ "dst": "198.51.100.0/24" }, { "dst": "203.0.113.0/24", "gw": gateway }]);
            a.add()?;
            let routes = a.inside("ip route");
            for wanted in ["198.51.100.0/24 via 10.77.0.1 ", &format!("203.0.113.0/24 via {gateway} ")] {
                require!(routes.contains(wanted), "no route {wanted} in\n{routes}");
            }
            a.check()?;
            a.del()
        },
        broken: "jq -c 'del(.ipam.routes)' | real",
    },
    Case {
        id: "interface.route-attributes",
        says: "mtu, advmss, priority and table of a route are set",
        source: "CNI spec 1.1.0, 5, Success; P-074, B-26",
        of: Of::Plugins(&["bridge", "ptp", "macvlan"]),
        check: |stage| {
            stage.knows("1.1.0")?;
            let mut a = stage.attachment()?;
            a.conf["ipam"]["routes"] = json!([
                { "dst": "198.51.100.0/24", "mtu": 1300, "advmss": 1200, "priority": 77 },
                { "dst": "203.0.113.0/24", "table": 77 },
            ]);
            a.add()?;
            let route = a.inside("ip route show 198.51.100.0/24");
            for wanted in ["mtu 1300", "advmss 1200", "metric 77"] {
                require!(route.contains(wanted), "no {wanted} in {route}");
            }
            let table = a.inside("ip route show table 77");
            require!(table.contains("203.0.113.0/24"), "no route in table 77: {table}");
            Ok(())
        },
        broken: "jq -c 'del(.ipam.routes)' | real",
    },
    Case {
        id: "interface.check-of-a-table",
        says: "CHECK finds a route in the table that it names, and fails when it is gone",
        source: "CNI spec 2, CHECK; P-044, B-27",
        of: Of::Plugins(&["bridge", "ptp", "macvlan"]),
        check: |stage| {
            stage.knows("1.1.0")?;
            let mut a = stage.attachment()?;
            a.conf["ipam"]["routes"] = json!([{ "dst": "203.0.113.0/24", "table": 77 }]);
            a.add()?;
            a.check()?;
            a.inside("ip route flush table 77");
            a.run("CHECK").error()?;
            a.del()
        },
        broken: r#"[ "$CNI_COMMAND" != CHECK ] || exit 0; real"#,
    },
    Case {
        id: "interface.check-of-a-gateway",
        says: "CHECK fails if the default route leads by another gateway",
        source: "CNI spec 2, CHECK: routes of prevResult; P-044, B-27",
        of: Of::Plugins(&["bridge", "macvlan"]),
        check: |stage| {
            let mut a = stage.attachment()?;
            a.conf["ipam"]["routes"] = json!([{ "dst": "0.0.0.0/0" }]);
            a.add()?;
            a.inside("ip route replace default via 10.77.0.200");
            a.run("CHECK").error()?;
            a.del()
        },
        broken: r#"[ "$CNI_COMMAND" != CHECK ] || exit 0; real"#,
    },
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
        broken: "jq -c 'del(.mtu)' | real",
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
        broken: "jq -c 'del(.runtimeConfig)' | real",
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
        id: "interface.no-addresses",
        says: "without `ipam` the interface is up and has no address, and CHECK and DEL work",
        source: "cni.dev, bridge: L2 networks; P-040, B-04",
        of: Of::Plugins(&["bridge", "macvlan", "tap", "host-device"]),
        check: |stage| {
            let mut a = stage.attachment()?;
            a.conf.as_object_mut().map(|conf| conf.remove("ipam"));
            a.conf.as_object_mut().map(|conf| conf.remove("isGateway"));
            let result = a.add()?;
            require!(result["ips"].is_null(), "addresses from nowhere: {result}");
            a.check()?;
            a.del()
        },
        broken: r#"[ "$CNI_COMMAND" != CHECK ] || exit 1; real"#,
    },
    Case {
        id: "interface.ipam-is-needed",
        says: "a plugin that can't do without addresses says so",
        source: "cni.dev, ptp, dummy; part 3: \"fails to create dummy link with no ipam\"",
        of: Of::Plugins(&["ptp", "ipvlan", "dummy"]),
        check: |stage| {
            let mut a = stage.attachment()?;
            a.conf.as_object_mut().map(|conf| conf.remove("ipam"));
            a.run("ADD").error()?;
            Ok(())
        },
        broken: "real; exit 0",
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
        broken: "jq -c '{cniVersion,name,type,ipam}' | real >/dev/null; exit 0",
    },
    Case {
        id: "interface.bridge-address",
        says: "the bridge has the gateway's address; another one on it is an error, or replaced with forceAddress",
        source: "cni.dev, bridge; part 3: \"ensure bridge address\"",
        of: Of::Plugins(&["bridge"]),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            let there = stage.host("ip -o addr show dev cni0");
            require!(there.contains("10.77.0.1/16"), "no gateway on the bridge: {there}");
            let other = json!({ "type": "host-local", "ranges": [[{ "subnet": "10.88.0.0/16" }]] });
            let b = stage.attachment()?.with(&json!({ "ipam": other, "name": "second" }));
            b.run("ADD").error()?;
            b.run("DEL");
            let c =
                stage.attachment()?.with(&json!({ "ipam": other, "name": "second", "forceAddress": true }));
            c.add()?;
            let there = stage.host("ip -o -4 addr show dev cni0");
            require!(
                there.contains("10.88.0.1/16") && !there.contains("10.77.0.1"),
                "on the bridge: {there}"
            );
            c.del()
        },
        broken: "jq -c '.isGateway=false' | real",
    },
    Case {
        id: "interface.bridge-keys",
        says: "promiscMode, hairpinMode and portIsolation are set on the bridge and its port",
        source: "cni.dev, bridge; part 3: \"ensure promiscuous mode on bridge\", \"port-isolation\"",
        of: Of::Plugins(&["bridge"]),
        check: |stage| {
            let a = stage.attachment()?.with(&json!({ "hairpinMode": true }));
            let result = a.add()?;
            let port =
                |result: &Value| result["interfaces"][1]["name"].as_str().unwrap_or_default().to_owned();
            let seen = stage.host(&format!("bridge -d link show dev {}", port(&result)));
            require!(seen.contains("hairpin on"), "no hairpin: {seen}");
            let b = stage.attachment()?.with(&json!({ "promiscMode": true }));
            b.add()?;
            let bridge = stage.host("ip -d link show cni0");
            require!(bridge.contains("promiscuity 1") || bridge.contains("PROMISC"), "no promisc: {bridge}");
            a.del()?;
            b.del()
        },
        broken: "jq -c 'del(.hairpinMode)' | real",
    },
    Case {
        id: "interface.bridge-isolation",
        says: "portIsolation keeps ports apart",
        source: "cni.dev, bridge; part 3: \"when port-isolation is on\"",
        of: Of::Plugins(&["bridge"]),
        check: |stage| {
            let a = stage.attachment()?.with(&json!({ "portIsolation": true }));
            if stage.versions().last().is_none_or(|last| last != "1.1.0") {
                skip!("the key came with 1.5.0 of the reference, which knows 1.1.0");
            }
            let result = a.add()?;
            let port = result["interfaces"][1]["name"].as_str().unwrap_or_default().to_owned();
            let seen = stage.host(&format!("bridge -d link show dev {port}"));
            require!(seen.contains("isolated on"), "not isolated: {seen}");
            a.del()
        },
        broken: "jq -c 'del(.portIsolation)' | real",
    },
    Case {
        id: "interface.check-with-a-sniffer",
        says: "CHECK succeeds while somebody listens on the bridge",
        source: "CNI spec 2, CHECK: what others change is no failure; P-044, B-05",
        of: Of::Plugins(&["bridge"]),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            stage.host("ip link set cni0 promisc on");
            a.check()?;
            a.del()
        },
        broken: r#"[ "$CNI_COMMAND" != CHECK ] || exit 1; real"#,
    },
    Case {
        id: "interface.not-a-bridge",
        says: "a link of the bridge's name that is no bridge is an error, and stays",
        source: "cni.dev, bridge; part 3: \"handles an existing bridge\"",
        of: Of::Plugins(&["bridge"]),
        check: |stage| {
            stage.host("ip link add cni0 type veth peer name other");
            let a = stage.attachment()?;
            a.run("ADD").error()?;
            stage.host("ip link show cni0");
            Ok(())
        },
        broken: r#"jq -c '.bridge="cni1"' | real"#,
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
            stage.host(&format!("ip link show {name}"));
            Ok(())
        },
        broken: r#"[ "$CNI_COMMAND" != DEL ] || exit 0; real"#,
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
        broken: r#"[ "$CNI_COMMAND" != DEL ] || exit 0; real"#,
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
        broken: r#"[ "$CNI_COMMAND" != DEL ] || ip link show up0 || exit 1; real"#,
    },
    Case {
        id: "interface.dns",
        says: "the name servers of IPAM stay where the configuration says nothing, and give way where it does",
        source: "CNI spec 1, dns; part 3: \"does not override IPAM DNS settings\"",
        of: Of::Plugins(&["ptp", "bridge"]),
        check: |stage| {
            stage.file("/run/resolv.conf", "nameserver 192.0.2.53\nsearch example.org\n");
            let mut a = stage.attachment()?;
            a.conf["ipam"]["resolvConf"] = json!("/run/resolv.conf");
            let result = a.add()?;
            require!(result["dns"]["nameservers"] == json!(["192.0.2.53"]), "dns is {}", result["dns"]);
            a.del()?;
            let a = a.with(&json!({ "dns": { "nameservers": ["192.0.2.54"] } }));
            let result = a.add()?;
            require!(result["dns"]["nameservers"] == json!(["192.0.2.54"]), "dns is {}", result["dns"]);
            a.del()
        },
        broken: "real | jq -c 'del(.dns)'",
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
        broken: "jq -c 'del(.mode)' | real",
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
        broken: r#"if [ "$CNI_COMMAND" = ADD ]; then ip netns exec "$(basename "$CNI_NETNS")" ip link add eth0 type ifb; echo '{"cniVersion":"1.1.0"}'; exit 0; fi; real"#,
    },
];
