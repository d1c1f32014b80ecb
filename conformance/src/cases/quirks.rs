//! What runtimes really send: containerd, CRI-O, podman, Multus, nerdctl.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::case::{Case, Of};
use crate::cases::leak::added;
use crate::specimen::Kind;
use crate::traffic::tcp;
use crate::unmet::{Unmet, require};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "quirks.capital-port-mappings",
        says: "containerd's port mappings, with capital keys, a capital protocol and an empty HostIP, are taken",
        source: "containerd: go-cni's types have no JSON tags; P-033, P-060",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            let ports = json!([{ "HostPort": 8088, "ContainerPort": 80, "Protocol": "tcp", "HostIP": "" }]);
            let a = added(stage.attachment()?.with(&json!({ "runtimeConfig": { "portMappings": ports } })))?;
            let there: SocketAddr = (a.own_addresses().0, 80).into();
            tcp(&a.pod, there, stage.node, ([127, 0, 0, 1], 8088).into()).map_err(Unmet::Fails)?;
            a.check()?;
            a.del()
        },
        broken: r#"sed 's/"HostPort"/"other"/' | real"#,
    },
    Case {
        id: "quirks.capital-bandwidth",
        says: "containerd's limits, with capital keys and a burst of 2^32 - 1, are taken",
        source: "containerd; P-060",
        of: Of::Plugins(&["bandwidth"]),
        check: |stage| {
            let mut a = stage.attachment()?;
            for key in ["ingressRate", "ingressBurst", "egressRate", "egressBurst"] {
                a = a.without(key);
            }
            let limits = json!({
                "IngressRate": 8_000_000, "IngressBurst": 4_294_967_295_u64,
                "EgressRate": 8_000_000, "EgressBurst": 4_294_967_295_u64,
            });
            let a = a.with(
                &json!({ "capabilities": { "bandwidth": true }, "runtimeConfig": { "bandwidth": limits } }),
            );
            a.add()?;
            let queues = stage.host(&format!("tc qdisc show dev host{}", a.number));
            require!(queues.contains("8Mbit"), "nothing limits to 8Mbit: {queues}");
            a.check()?;
            a.del()
        },
        broken: r#"sed 's/"IngressRate":8000000/"IngressRate":9000000/' | real"#,
    },
    Case {
        id: "quirks.capital-ranges",
        says: "containerd's ipRanges, with capital keys and empty texts for what is not set, are taken",
        source: "containerd; P-060",
        of: Of::Plugins(&["host-local"]),
        check: |stage| {
            let ranges =
                json!([[{ "Subnet": "10.79.5.0/24", "RangeStart": "", "RangeEnd": "", "Gateway": "" }]]);
            let mut a = stage.attachment()?.with(&json!({ "runtimeConfig": { "ipRanges": ranges } }));
            a.conf["ipam"].as_object_mut().map(|ipam| ipam.remove("ranges"));
            let result = a.add()?;
            require!(result["ips"][0]["address"] == "10.79.5.2/24", "handed out: {result}");
            // nerdctl after the task is gone.
            stage.run(&a.call("DEL").env("CNI_NETNS", "")).silent_success()
        },
        broken: r#"hears 'if .runtimeConfig.ipRanges then .runtimeConfig.ipRanges = [[{"Subnet": "10.79.6.0/24"}]] else . end'"#,
    },
    Case {
        id: "quirks.containerds-loopback",
        says: "containerd's loopback, in 0.3.1 and with the name lo, is served beside eth0",
        source: "containerd: cni-loopback for every pod, in parallel with the network",
        of: Of::Plugins(&["loopback"]),
        check: |stage| {
            let a = stage.attachment_in("0.3.1")?;
            let result = a.add()?;
            require!(result["cniVersion"] == "0.3.1", "another version: {result}");
            require!(a.inside("ip link show lo").contains(",UP"), "lo is down");
            stage.run(&a.call("DEL").env("CNI_NETNS", "")).silent_success()
        },
        broken: r#"heard; on ADD && has '"0.3.1"' && { echo '{"cniVersion":"0.3.1"}'; exit 0; }; go"#,
    },
    Case {
        id: "quirks.cri-o-checks-at-once",
        says: "CRI-O's CHECK right after ADD, with its annotations and an empty bandwidth, succeeds",
        source: "CRI-O: GetPodNetworkStatus; R-4, P-044",
        of: Of::Kinds(&[Kind::Interface, Kind::Chained]),
        check: |stage| {
            let mut a = stage.attachment()?;
            let annotations = json!({ "io.kubernetes.pod.name": "web", "k8s.v1.cni.cncf.io/networks": "[]" });
            a.conf["runtimeConfig"]["io.kubernetes.cri.pod-annotations"] = annotations;
            a.conf["runtimeConfig"]["cgroupPath"] = json!("/kubepods/besteffort/pod1");
            a.add()?;
            a.check()?;
            a.check()?;
            a.del()
        },
        broken: "heard; on CHECK && has pod-annotations && refuse 7; go",
    },
    Case {
        id: "quirks.multus-second-interface",
        says: "a second interface of the same container on the same network is another attachment",
        source: "Multus: one container ID, several interfaces; 5.5, B-20",
        of: Of::Plugins(&["bridge", "ptp", "macvlan", "tap"]),
        check: |stage| {
            let mut a = added(stage.attachment()?)?;
            let first = a.call("CHECK");
            "net1".clone_into(&mut a.ifname);
            a.add()?;
            let addresses = a.addresses();
            require!(!addresses.is_empty(), "net1 has no address");
            a.del()?;
            stage.run(&first).silent_success()?;
            stage.run(&first.env("CNI_COMMAND", "DEL")).silent_success()
        },
        broken: r#"[ "${CNI_IFNAME-eth0}" = eth0 ] || refuse 11; real"#,
    },
    Case {
        id: "quirks.long-container-id",
        says: "a container ID of 64 letters, as runtimes make them, is no trouble for any name made of it",
        source: "containerd, CRI-O: sandbox IDs; 5.3",
        of: Of::Kinds(&[Kind::Interface, Kind::Chained, Kind::Ipam]),
        check: |stage| {
            let mut a = stage.attachment()?;
            a.id = "0123456789abcdef".repeat(4);
            a.add()?;
            a.check()?;
            a.del()
        },
        broken: r#"id=${CNI_CONTAINERID-}; [ "${#id}" -lt 64 ] || refuse 4; real"#,
    },
    Case {
        id: "quirks.del-errors-are-not-swallowed",
        says: "an error of DEL does not say \"not found\", which go-cni takes for a success",
        source: "containerd: go-cni's Remove; P-081",
        of: Of::Kinds(&[Kind::Interface, Kind::Chained, Kind::Ipam]),
        check: |stage| {
            let mut conf = stage.whole_conf("1.0.0");
            conf["prevResult"] = json!({ "cniVersion": "1.0.0", "ips": "none" });
            let answer = stage.run(&stage.call("DEL").stdin(&conf));
            let said = serde_json::from_str::<Value>(&answer.stdout).unwrap_or_default().to_string();
            require!(
                answer.code == 0 || !said.to_lowercase().contains("not found"),
                "seen: {}",
                answer.shown()
            );
            Ok(())
        },
        broken: r#"heard; on DEL && has '"ips":"none"' && { echo '{"cniVersion":"1.0.0","code":999,"msg":"link not found"}'; exit 1; }; go"#,
    },
    Case {
        id: "quirks.ptp-without-gateway",
        says: "an address without a gateway is no reason for a half made link: ADD works, or fails and leaves nothing",
        source: "host-local and static may name none; B-34",
        of: Of::Plugins(&["ptp"]),
        check: |stage| {
            let (a, standin) = crate::cases::protocol::delegation::delegating(stage)?;
            standin.answers(&json!({ "cniVersion": "1.0.0", "ips": [{ "address": "10.77.0.9/16" }] }));
            let answer = a.run("ADD");
            if answer.code == 0 {
                stage.node_pings("10.77.0.9")?;
            } else {
                require!(a.link().is_null(), "the interface stays: {}", a.link());
            }
            a.run("DEL").success()
        },
        broken: r#"heard; go; code=$?; on ADD && has judges-ipam && within ip link set "$CNI_IFNAME" down; exit "$code""#,
    },
];
