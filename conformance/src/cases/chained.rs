//! What chained plugins do to an interface that others made.

use serde_json::{Value, json};

use crate::attachment::Attachment;
use crate::case::{Case, Of};
use crate::cases::leak::added;
use crate::life::{same, settled};
use crate::stage::Stage;
use crate::unmet::{Outcome, fail, require};

/// CHECK says yes to all.
const BLIND: &str = r#"[ "$CNI_COMMAND" != CHECK ] || exit 0; real"#;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "chained.tuning",
        says: "mtu, mac, promisc, allmulti, txQLen and sysctl are set by ADD, and DEL brings back what was there",
        source: "cni.dev, tuning; part 3: \"configures and deconfigures …\"",
        of: Of::Plugins(&["tuning"]),
        check: |stage| {
            let a = stage.attachment()?.with(&json!({
                "mtu": 1400, "mac": "c2:11:22:33:44:55", "promisc": true, "allmulti": true, "txQLen": 77,
            }));
            let look = "ip -d -o link show eth0 | sed 's/qdisc.*qlen/qlen/'";
            let before = a.inside(look);
            let result = a.add()?;
            require!(result["interfaces"][1]["mac"] == "c2:11:22:33:44:55", "the result says {result}");
            let link = a.link();
            let said = [&link["mtu"], &link["address"], &link["txqlen"]];
            require!(
                said == [&json!(1400), &json!("c2:11:22:33:44:55"), &json!(77)],
                "the interface has {said:?}"
            );
            require!(link["promiscuity"] == 1 && link["allmulti"] == 1, "no promisc or allmulti: {link}");
            require!(a.inside("sysctl -n net.ipv4.conf.eth0.arp_filter").trim() == "1", "no sysctl");
            a.check()?;
            a.del()?;
            let after = a.inside(look);
            require!(before == after, "before: {before}\nafter DEL: {after}");
            Ok(())
        },
        broken: r#"[ "$CNI_COMMAND" != DEL ] || exit 0; real"#,
    },
    Case {
        id: "chained.tuning-restores-sysctls",
        says: "DEL brings kernel settings back to what they were",
        source: "CNI spec 2, DEL: undo; B-17",
        of: Of::Plugins(&["tuning"]),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            a.del()?;
            let value = a.inside("sysctl -n net.ipv4.conf.eth0.arp_filter");
            require!(value.trim() == "0", "the setting is still {value}");
            Ok(())
        },
        broken: r#"[ "$CNI_COMMAND" != DEL ] || exit 0; real"#,
    },
    Case {
        id: "chained.tuning-reports-its-mtu",
        says: "the result has the MTU that tuning set",
        source: "CNI spec 1.1.0, 5, Success: interfaces[].mtu; B-17, B-26",
        of: Of::Plugins(&["tuning"]),
        check: |stage| {
            stage.knows("1.1.0")?;
            let a = stage.attachment()?;
            let mut before = a.before.clone().unwrap_or_default();
            before["interfaces"][1]["mtu"] = json!(1500);
            let mut conf = a.conf.clone();
            conf["prevResult"] = before;
            let answer = stage.run(&a.call("ADD").stdin(&conf));
            answer.success()?;
            let mtu = answer.json()?["interfaces"][1]["mtu"].clone();
            require!(mtu == 1400, "the result says {mtu}");
            a.del()
        },
        broken: "real | jq -c 'if .interfaces then .interfaces[1].mtu=1500 else . end'",
    },
    Case {
        id: "chained.tuning-args",
        says: "args.cni.sysctl is taken without a `sysctl` of the configuration",
        source: "CONVENTIONS.md, args; P-061, B-17",
        of: Of::Plugins(&["tuning"]),
        check: |stage| {
            let mut a = stage.attachment()?;
            a.conf.as_object_mut().map(|conf| conf.remove("sysctl"));
            let a =
                a.with(&json!({ "args": { "cni": { "sysctl": { "net.ipv4.conf.eth0.arp_filter": "1" } } } }));
            a.add()?;
            require!(a.inside("sysctl -n net.ipv4.conf.eth0.arp_filter").trim() == "1", "no sysctl");
            a.del()
        },
        broken: "jq -c 'del(.args)' | real",
    },
    Case {
        id: "chained.tuning-stays-in-net",
        says: "a sysctl outside net/ is refused, and a key that stands twice",
        source: "cni.dev, tuning; part 3: \"does not allow duplicated sysctl values\"",
        of: Of::Plugins(&["tuning"]),
        check: |stage| {
            for key in ["kernel.hostname", "net/../kernel/hostname"] {
                let a = stage.attachment()?.with(&json!({ "sysctl": { key: "judged" } }));
                a.run("ADD").error()?;
            }
            let a = stage.attachment()?;
            let once = r#""net.ipv4.conf.IFNAME.arp_filter":"1""#;
            let call = a.call("ADD");
            let twice = call.stdin.replace(once, &format!("{once},{once}"));
            require!(twice != call.stdin, "the judge's own configuration has no {once}");
            stage.run(&call.stdin(&twice)).error()?;
            Ok(())
        },
        broken: "jq -c 'del(.sysctl)' | real",
    },
    Case {
        id: "chained.tuning-check",
        says: "CHECK fails if a value is not what ADD set",
        source: "CNI spec 2, CHECK; P-044",
        of: Of::Plugins(&["tuning"]),
        check: |stage| {
            for spoil in ["ip link set eth0 mtu 1300", "sysctl -qw net.ipv4.conf.eth0.arp_filter=0"] {
                let a = added(stage.attachment()?)?;
                a.check()?;
                a.inside(spoil);
                a.run("CHECK").error()?;
                a.del()?;
            }
            Ok(())
        },
        broken: BLIND,
    },
    Case {
        id: "chained.bandwidth",
        says: "both directions are shaped: a token bucket on the host's end, another on a device that the outgoing packets pass",
        source: "cni.dev, bandwidth; part 3: \"works with a Veth pair\"",
        of: Of::Plugins(&["bandwidth"]),
        check: |stage| {
            let a = stage.attachment()?;
            let result = a.add()?;
            let queues = stage.host(&format!("tc qdisc show dev host{}", a.number));
            require!(
                queues.contains("tbf") || queues.contains("htb"),
                "nothing limits what comes in: {queues}"
            );
            let all = result["interfaces"].as_array().cloned().unwrap_or_default();
            let Some(device) =
                all.iter().filter_map(|one| one["name"].as_str()).find(|name| name.starts_with("bwp"))
            else {
                fail!("the result names no device of the plugin's: {result}")
            };
            let queues = stage.host(&format!("tc qdisc show dev {device}"));
            require!(
                queues.contains("tbf") || queues.contains("htb"),
                "nothing limits what goes out: {queues}"
            );
            a.check()?;
            a.del()?;
            let left = stage.host(&format!("ip -o link show {device} 2>/dev/null || true"));
            require!(left.is_empty(), "the device stays: {left}");
            Ok(())
        },
        broken: "jq -c 'del(.ingressRate) | del(.ingressBurst)' | real",
    },
    Case {
        id: "chained.bandwidth-pairs",
        says: "a rate without its burst is refused, and a burst of 4 GB and more",
        source: "part 3: \"fails an invalid ingress config\", \"Should allow only 4GB burst rate\"",
        of: Of::Plugins(&["bandwidth"]),
        check: |stage| {
            for keys in
                [json!({ "ingressBurst": 0 }), json!({ "egressRate": 0 }), json!({ "ingressRate": "fast" })]
            {
                let a = stage.attachment()?.with(&keys);
                a.run("ADD").error()?;
            }
            Ok(())
        },
        broken: "jq -c '{cniVersion,name,type,prevResult}' | real",
    },
    Case {
        id: "chained.bandwidth-check",
        says: "CHECK fails if the shaping is gone, also where another queue took its place",
        source: "CNI spec 2, CHECK; P-044, B-24",
        of: Of::Plugins(&["bandwidth"]),
        check: |stage| {
            let a = added(stage.attachment()?)?;
            stage.host(&format!("tc qdisc replace dev host{} root pfifo", a.number));
            a.run("CHECK").error()?;
            a.del()
        },
        broken: BLIND,
    },
    Case {
        id: "chained.bandwidth-again",
        says: "a second interface of the same container is shaped by itself",
        source: "Multus: one container ID, several interfaces; 5.5, B-24",
        of: Of::Plugins(&["bandwidth"]),
        check: |stage| {
            let a = added(stage.attachment()?)?;
            let number = a.number;
            a.inside("ip link add eth1 type veth peer name far");
            stage.host(&format!("ip link add second{number} type veth peer name eth2 netns {}", a.id));
            let mut conf: Value = serde_json::from_str(&a.call("ADD").stdin).unwrap_or_default();
            conf["prevResult"]["interfaces"][0] = json!({ "name": format!("second{number}") });
            conf["prevResult"]["interfaces"][1]["name"] = json!("eth2");
            let call = a.call("ADD").env("CNI_IFNAME", "eth2").stdin(&conf);
            stage.run(&call).success()?;
            stage.run(&call.env("CNI_COMMAND", "DEL")).silent_success()?;
            a.check()?;
            a.del()
        },
        broken: r#"[ "$CNI_IFNAME" = eth0 ] || exit 1; real"#,
    },
    Case {
        id: "chained.sbr",
        says: "packets from the interface's address take a table of their own, and DEL takes the rules away",
        source: "cni.dev, sbr; part 3: \"Works with multiple IPs\"",
        of: Of::Plugins(&["sbr"]),
        check: |stage| {
            let a = stage.attachment()?;
            let rules = |a: &Attachment<'_>| a.inside("ip rule; ip -6 rule");
            let before = rules(&a);
            a.add()?;
            let there = rules(&a);
            let (v4, v6) = a.own_addresses();
            require!(there.contains(&format!("from {v4} ")), "no rule: {there}");
            require!(there.contains(&format!("from {v6} ")), "no rule of IPv6: {there}");
            a.check()?;
            a.del()?;
            let after = rules(&a);
            require!(after == before, "before: {before}\nafter DEL: {after}");
            Ok(())
        },
        broken: r#"[ "$CNI_COMMAND" != DEL ] || exit 0; real"#,
    },
    Case {
        id: "chained.sbr-check",
        says: "CHECK fails if a rule is gone",
        source: "CNI spec 2, CHECK; P-044, B-15",
        of: Of::Plugins(&["sbr"]),
        check: |stage| {
            let a = added(stage.attachment()?)?;
            a.inside(&format!("ip rule del from {}", a.own_addresses().0));
            a.run("CHECK").error()?;
            a.del()
        },
        broken: BLIND,
    },
    Case {
        id: "chained.sbr-lost-namespace",
        says: "DEL of a lost namespace makes no file of its name",
        source: "CNI spec 2, DEL; P-042, B-14",
        of: Of::Plugins(&["sbr"]),
        check: |stage| {
            let a = added(stage.attachment()?)?;
            stage.run(&a.call("DEL").env("CNI_NETNS", "/run/netns/lost")).silent_success()?;
            let there = std::path::Path::new("/run/netns/lost").exists();
            require!(!there, "DEL made /run/netns/lost");
            Ok(())
        },
        broken: r#"[ "$CNI_COMMAND" != DEL ] || : >"$CNI_NETNS"; real"#,
    },
    Case {
        id: "chained.portmap-del-without-mappings",
        says: "DEL without the mappings that ADD had takes its rules away",
        source: "CNI spec 2, DEL; R-1; P-042, B-18",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            added(stage.attachment()?)?.del()?;
            let before = settled(stage.node);
            let mut a = added(stage.attachment()?)?;
            a.conf.as_object_mut().map(|conf| conf.remove("runtimeConfig"));
            a.del()?;
            drop(a);
            same(stage, &before)
        },
        broken: r#"[ "$CNI_COMMAND" != DEL ] || exit 0; real"#,
    },
    Case {
        id: "chained.portmap-two-interfaces",
        says: "of two interfaces of one container, the DEL of one leaves the ports of the other",
        source: "Multus: one container ID, several interfaces; 5.5, B-20",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            let a = added(stage.attachment()?)?;
            let second = json!([{ "hostPort": 9100, "containerPort": 80, "protocol": "tcp" }]);
            let mut conf: Value = serde_json::from_str(&a.call("ADD").stdin).unwrap_or_default();
            conf["runtimeConfig"]["portMappings"] = second;
            conf["prevResult"]["interfaces"][1]["name"] = json!("eth1");
            conf["prevResult"]["ips"] =
                json!([{ "interface": 1, "address": "10.78.9.9/16", "gateway": "10.78.0.1" }]);
            let call = a.call("ADD").env("CNI_IFNAME", "eth1").stdin(&conf);
            stage.run(&call).success()?;
            stage.run(&call.env("CNI_COMMAND", "DEL")).silent_success()?;
            a.check()?;
            a.del()
        },
        broken: r#"if [ "$CNI_COMMAND$CNI_IFNAME" = DELeth1 ]; then in=$(cat); printf %s "$in" | CNI_IFNAME=eth0 real; exit 0; fi; [ "$CNI_COMMAND" != CHECK ] || exit 1; real"#,
    },
    Case {
        id: "chained.portmap-two-networks",
        says: "of two networks of one container, the DEL of one leaves the ports of the other, by nftables too",
        source: "Multus: one container ID, several networks; 5.5, B-19",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            let a = added(stage.attachment()?.with(&json!({ "backend": "nftables" })))?;
            let mut conf: Value = serde_json::from_str(&a.call("ADD").stdin).unwrap_or_default();
            conf["name"] = json!("second");
            conf["runtimeConfig"]["portMappings"] =
                json!([{ "hostPort": 9100, "containerPort": 80, "protocol": "tcp" }]);
            conf["prevResult"]["interfaces"][1]["name"] = json!("eth1");
            conf["prevResult"]["ips"] =
                json!([{ "interface": 1, "address": "10.78.9.9/16", "gateway": "10.78.0.1" }]);
            let call = a.call("ADD").env("CNI_IFNAME", "eth1").stdin(&conf);
            stage.run(&call).success()?;
            stage.run(&call.env("CNI_COMMAND", "DEL")).silent_success()?;
            a.check()?;
            a.del()
        },
        broken: r#"if [ "$CNI_COMMAND$CNI_IFNAME" = DELeth1 ]; then exit 0; fi; [ "$CNI_COMMAND" != CHECK ] || exit 1; real"#,
    },
    Case {
        id: "chained.portmap-taken-port",
        says: "a host port that another container holds is refused, not silently lost",
        source: "Kubernetes and podman rely on a port having one owner; B-21",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            let ports = json!([{ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" }]);
            let keys = json!({ "runtimeConfig": { "portMappings": ports } });
            let a = added(stage.attachment()?.with(&keys))?;
            let b = stage.attachment()?.with(&keys);
            b.run("ADD").error()?;
            b.run("DEL").success()?;
            a.check()?;
            a.del()
        },
        broken: "real; exit 0",
    },
    Case {
        id: "chained.portmap-bad-mappings",
        says: "a mapping without ports, or of an unknown protocol, is refused",
        source: "part 3: \"fails with invalid mappings\"",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            for mapping in [
                json!({ "hostPort": 0, "containerPort": 80, "protocol": "tcp" }),
                json!({ "hostPort": 80, "containerPort": 0, "protocol": "tcp" }),
                json!({ "hostPort": "80", "containerPort": 80, "protocol": "tcp" }),
                json!({ "hostPort": 80, "containerPort": 80, "protocol": "tcp", "hostIP": "nowhere" }),
            ] {
                let a = stage.attachment()?.with(&json!({ "runtimeConfig": { "portMappings": [mapping] } }));
                a.run("ADD").error()?;
            }
            Ok(())
        },
        broken: "jq -c 'del(.runtimeConfig)' | real",
    },
    Case {
        id: "chained.firewall-late-del",
        says: "a late DEL of an address's old owner takes nothing of its new one's",
        source: "Kubernetes deletes when it has time; P-042, B-22",
        of: Of::Plugins(&["firewall"]),
        check: |stage| {
            let a = added(stage.attachment()?)?;
            // The same address, another container.
            let call = a.call("ADD").env("CNI_CONTAINERID", "successor");
            stage.run(&call).success()?;
            a.del()?;
            let check = a.call("CHECK").env("CNI_CONTAINERID", "successor");
            stage.run(&check).silent_success()?;
            stage.run(&a.call("DEL").env("CNI_CONTAINERID", "successor")).silent_success()
        },
        broken: r#"[ "$CNI_COMMAND" != CHECK ] || exit 1; real"#,
    },
    Case {
        id: "chained.firewall-unknown-backend",
        says: "a backend that nobody knows is refused",
        source: "CNI spec, error codes; B-22",
        of: Of::Plugins(&["firewall"]),
        check: |stage| {
            stage.attachment()?.with(&json!({ "backend": "nobody" })).run("ADD").error()?;
            Ok(())
        },
        broken: "jq -c 'del(.backend)' | real",
    },
    Case {
        id: "chained.firewall-ingress-policy",
        says: "the rules of an ingressPolicy go with the last container",
        source: "CNI spec 2, DEL; P-042, B-23",
        of: Of::Plugins(&["firewall"]),
        check: ingress_policy,
        broken: r#"[ "$CNI_COMMAND" != DEL ] || exit 0; real"#,
    },
    Case {
        id: "chained.vrf",
        says: "the interface is in the VRF after ADD, and the VRF is gone with the last",
        source: "cni.dev, vrf; part 3: \"configures a VRF and adds the interface to it\"; B-16",
        of: Of::Plugins(&["vrf"]),
        check: |stage| {
            let a = added(stage.attachment()?)?;
            require!(a.link()["master"] == "red", "no master: {}", a.link());
            a.inside("ip link del eth0");
            a.del()
        },
        broken: r#"[ "$CNI_COMMAND" != DEL ] || exit 1; real"#,
    },
];

fn ingress_policy(stage: &Stage<'_>) -> Outcome {
    let life = || {
        let a = stage.attachment()?.with(&json!({ "ingressPolicy": "same-bridge" }));
        let number = a.number;
        // Each network has a bridge of its own.
        let bridge = format!("br{number}");
        stage.host(&format!("ip link add {bridge} type bridge && ip link set host{number} master {bridge}"));
        let mut conf: Value = serde_json::from_str(&a.call("ADD").stdin).unwrap_or_default();
        let first = json!({ "name": bridge, "mac": "0a:00:00:00:02:01" });
        if let Some(all) = conf["prevResult"]["interfaces"].as_array_mut() {
            all.insert(0, first);
        }
        for ip in conf["prevResult"]["ips"].as_array_mut().into_iter().flatten() {
            ip["interface"] = json!(2);
        }
        let call = a.call("ADD").stdin(&conf);
        stage.run(&call).success()?;
        stage.run(&call.env("CNI_COMMAND", "DEL")).silent_success()?;
        stage.host(&format!("ip link del {bridge}"));
        Ok(())
    };
    life()?;
    let before = settled(stage.node);
    life()?;
    same(stage, &before)
}
