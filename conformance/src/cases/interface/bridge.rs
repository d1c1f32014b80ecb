//! `bridge`: what the bridge has, and its ports.

use sandbox::Place;
use serde_json::{Value, json};

use crate::case::{Case, Of};
use crate::cases::traffic::addresses;
use crate::stage::Stage;
use crate::traffic::ping;
use crate::unmet::{Outcome, Unmet, require, skip};

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
    Case {
        id: "interface.bridge-stable-mac",
        says: "the bridge keeps its MAC while ports come and go",
        source: "part 3: \"creates a bridge with a stable MAC addresses\"; neighbours remember the gateway's",
        of: Of::Plugins(&["bridge"]),
        check: |stage| {
            let look = || stage.host("ip -o link show cni0 | sed 's/.*ether \\([^ ]*\\).*/\\1/'");
            let a = stage.attachment()?;
            a.add()?;
            let mac = look();
            let b = stage.attachment()?;
            b.add()?;
            let with_two = look();
            a.del()?;
            let at_last = look();
            require!(mac == with_two && mac == at_last, "it was {mac}, then {with_two}, then {at_last}");
            b.del()
        },
        broken: r#"real; code=$?; on ADD && ip link set cni0 address "$(within cat "/sys/class/net/$CNI_IFNAME/address")"; exit "$code""#,
    },
    Case {
        id: "interface.bridge-mac-spoofing",
        says: "with macspoofchk a container reaches others with the MAC that it was given, and with no other",
        source: "cni.dev, bridge; part 3: \"configures mac spoof-check (no mac spoofing)\"",
        of: Of::Plugins(&["bridge"]),
        check: |stage| {
            let a = stage.attachment()?.with(&json!({ "macspoofchk": true }));
            let b = stage.attachment()?;
            a.add()?;
            let there = addresses(&b.add()?)?[0];
            ping(&a.pod, there).map_err(Unmet::Fails)?;
            a.inside("ip link set eth0 address c2:11:22:33:44:55");
            require!(!a.pod.reaches(there), "it still reaches {there} with another MAC");
            a.del()?;
            b.del()
        },
        broken: "hears 'del(.macspoofchk)'",
    },
    Case {
        id: "interface.bridge-disabled-interface",
        says: "with disableContainerInterface the interface is there and down, and addresses for it are refused",
        source: "cni.dev, bridge; part 3: \"should set the container veth peer state down\", \"should fail when both IPAM and DisableContainerInterface are set\"",
        of: Of::Plugins(&["bridge"]),
        check: |stage| {
            let keys = json!({ "disableContainerInterface": true, "isGateway": false });
            stage.attachment()?.with(&keys).run("ADD").error()?;
            let a = stage.attachment()?.with(&keys).without("ipam");
            a.add()?;
            let flags = a.link()["flags"].clone();
            let up = flags.as_array().is_none_or(|all| all.iter().any(|flag| flag == "UP"));
            require!(!up, "it is up, or not there: {flags}");
            a.del()
        },
        broken: r#"real; code=$?; on ADD && within ip link set "$CNI_IFNAME" up; exit "$code""#,
    },
    Case {
        id: "interface.bridge-vlan",
        says: "`vlan` is the port's: containers of one VLAN reach each other, and those of another do not",
        source: "cni.dev, bridge; part 3: \"configures and deconfigures a l2 bridge with vlan id 100\"",
        of: Of::Plugins(&["bridge"]),
        check: |stage| {
            filters_vlans(stage)?;
            let vlan =
                |id: u16| stage.attachment().map(|a| a.with(&json!({ "isGateway": false, "vlan": id })));
            let (a, b, c) = (vlan(100)?, vlan(100)?, vlan(200)?);
            let there = addresses(&a.add()?)?[0];
            b.add()?;
            c.add()?;
            ping(&b.pod, there).map_err(Unmet::Fails)?;
            require!(!c.pod.reaches(there), "VLAN 200 reaches VLAN 100");
            for one in [&c, &b, &a] {
                one.check()?;
                one.del()?;
            }
            Ok(())
        },
        broken: "hears 'if .vlan == 200 then .vlan = 100 else . end'",
    },
    Case {
        id: "interface.bridge-trunk",
        says: "`vlanTrunk` lists VLANs, by themselves and from minID to maxID, that the port takes with their tags",
        source: "cni.dev, bridge; part 3: \"vlanTrunk 101,200~210\"",
        of: Of::Plugins(&["bridge"]),
        check: |stage| {
            filters_vlans(stage)?;
            let trunk = json!([{ "id": 101 }, { "minID": 200, "maxID": 202 }]);
            let a = stage.attachment()?.with(&json!({ "isGateway": false, "vlanTrunk": trunk }));
            let port = a.add()?["interfaces"][1]["name"].as_str().unwrap_or_default().to_owned();
            let seen = stage.host(&format!("bridge vlan show dev {port}"));
            let has = |id: &str| seen.split_whitespace().any(|word| word == id);
            require!(["101", "200", "201", "202"].iter().all(|id| has(id)), "the port's VLANs: {seen}");
            a.del()
        },
        broken: "hears 'del(.vlanTrunk[1]?)'",
    },
];

/// Leaves the case where the kernel's bridges know no VLANs.
fn filters_vlans(stage: &Stage<'_>) -> Outcome {
    let probe = "ip link add probe type bridge vlan_filtering 1 && ip link del probe";
    if stage.node.try_exec(&["sh", "-c", probe]).code != 0 {
        skip!("this kernel's bridges know no VLANs");
    }
    Ok(())
}
