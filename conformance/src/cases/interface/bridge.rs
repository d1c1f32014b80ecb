//! `bridge`: what the bridge has, and its ports.

use serde_json::{Value, json};

use crate::case::{Case, Of};
use crate::unmet::{require, skip};

pub(crate) const CASES: &[Case] = &[
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
        broken: "hears 'del(.forceAddress)'",
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
        broken: "hears 'del(.hairpinMode)'",
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
        broken: "hears 'del(.portIsolation)'",
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
        broken: "on CHECK && ip link show cni0 | grep -q PROMISC && refuse 11; real",
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
            let there = stage.host("ip -o link show type veth cni0 2>/dev/null || true");
            require!(!there.is_empty(), "the link cni0 is gone");
            Ok(())
        },
        broken: r#"if ip link show type veth | grep -q ' cni0@'; then hears '.bridge = "cni1"'; else real; fi"#,
    },
];
