//! `bandwidth`: limits in both directions.

use serde_json::json;

use crate::case::{Case, Of};
use crate::cases::breakage::ADD_NEVER_FAILS;
use crate::cases::leak::added;
use crate::unmet::{fail, require};

pub(crate) const CASES: &[Case] = &[
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
        broken: "hears 'del(.ingressRate, .ingressBurst)'",
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
        broken: "hears 'if .ingressBurst == 0 then del(.ingressRate, .ingressBurst) else . end'",
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
        broken: "on CHECK && tc qdisc show | grep -q '^qdisc pfifo ' && exit 0; real",
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
            let mut conf = a.sent("ADD");
            conf["prevResult"]["interfaces"][0] = json!({ "name": format!("second{number}") });
            conf["prevResult"]["interfaces"][1]["name"] = json!("eth2");
            let call = a.call("ADD").env("CNI_IFNAME", "eth2").stdin(&conf);
            stage.run(&call).success()?;
            stage.run(&call.env("CNI_COMMAND", "DEL")).silent_success()?;
            a.check()?;
            a.del()
        },
        broken: r#"[ "${CNI_IFNAME-eth0}" = eth0 ] || refuse 11; real"#,
    },
    Case {
        id: "chained.bandwidth-one-direction",
        says: "without a limit of one direction only the other one is shaped",
        source: "cni.dev, bandwidth; part 3: \"does not apply ingress when disabled\", \"does not apply egress when disabled\"",
        of: Of::Plugins(&["bandwidth"]),
        check: |stage| {
            for (without, shaped, unshaped) in [("ingress", "egress", "host"), ("egress", "ingress", "bwp")] {
                let mut a = stage.attachment()?;
                for key in ["Rate", "Burst"] {
                    a = a.without(&format!("{without}{key}"));
                }
                a.add()?;
                let queues = stage.host("tc qdisc show");
                let limited = |device: &str| {
                    let is_limit = |line: &str| line.contains(" tbf ") || line.contains(" htb ");
                    queues.lines().any(|line| is_limit(line) && line.contains(&format!(" dev {device}")))
                };
                require!(
                    limited("host") || limited("bwp"),
                    "with {shaped} alone nothing is shaped: {queues}"
                );
                require!(!limited(unshaped), "with {shaped} alone, {unshaped}… is shaped: {queues}");
                a.check()?;
                a.del()?;
            }
            Ok(())
        },
        broken: "hears 'if .egressRate then . else .egressRate = 8000000 | .egressBurst = 8000000 end'",
    },
    Case {
        id: "chained.bandwidth-static-and-runtime",
        says: "a limit of the configuration takes the place of the runtime's",
        source: "cni.dev, bandwidth; part 3: \"should apply static config when both static config and runtime config exist\"",
        of: Of::Plugins(&["bandwidth"]),
        check: |stage| {
            let limits = json!({
                "ingressRate": 9_000_000, "ingressBurst": 9_000_000, "egressRate": 9_000_000, "egressBurst": 9_000_000,
            });
            let a = stage.attachment()?.with(
                &json!({ "capabilities": { "bandwidth": true }, "runtimeConfig": { "bandwidth": limits } }),
            );
            a.add()?;
            let queues = stage.host(&format!("tc qdisc show dev host{}", a.number));
            require!(queues.contains("8Mbit"), "nothing limits to 8Mbit: {queues}");
            a.del()
        },
        broken: "hears 'if .runtimeConfig.bandwidth then del(.ingressRate, .ingressBurst, .egressRate, .egressBurst) else . end'",
    },
    Case {
        id: "chained.bandwidth-other-links",
        says: "of several interfaces of the host, the other end of the container's is shaped, and no other",
        source: "part 3: \"should work with multiple host veth interfaces\"",
        of: Of::Plugins(&["bandwidth"]),
        check: |stage| {
            let a = stage.attachment()?;
            stage.host("ip link add other0 type veth peer name other1");
            let mut conf = a.sent("ADD");
            if let Some(all) = conf["prevResult"]["interfaces"].as_array_mut() {
                all.insert(0, json!({ "name": "other0" }));
            }
            for ip in conf["prevResult"]["ips"].as_array_mut().into_iter().flatten() {
                ip["interface"] = json!(2);
            }
            let call = a.call("ADD").stdin(&conf);
            stage.run(&call).success()?;
            let other = stage.host("tc qdisc show dev other0");
            let own = stage.host(&format!("tc qdisc show dev host{}", a.number));
            let limited = |queues: &str| queues.contains("tbf") || queues.contains("htb");
            require!(limited(&own) && !limited(&other), "the container's: {own}\nthe other: {other}");
            stage.run(&call.env("CNI_COMMAND", "DEL")).silent_success()
        },
        broken: r#"real; code=$?; on ADD && tc qdisc add dev other0 root tbf rate 8mbit burst 64k latency 25ms; exit "$code""#,
    },
    Case {
        id: "chained.bandwidth-needs-the-host-end",
        says: "an interface whose other end is not among the host's interfaces, or that has none, is refused",
        source: "part 3: \"should fail when container interface has no veth peer\", \"when preResult has no interfaces\", \"does not match any of host interfaces\"",
        of: Of::Plugins(&["bandwidth"]),
        check: |stage| {
            let a = stage.attachment()?;
            stage.host("ip link add other0 type veth peer name other1");
            let sent = a.sent("ADD");
            let mut conf = sent.clone();
            conf["prevResult"]["interfaces"][0]["name"] = json!("other0");
            stage.run(&a.call("ADD").stdin(&conf)).error()?;
            conf["prevResult"] = json!({ "cniVersion": conf["cniVersion"] });
            stage.run(&a.call("ADD").stdin(&conf)).error()?;
            a.inside("ip link del eth0; ip link add eth0 type bridge");
            stage.run(&a.call("ADD").stdin(&sent)).error()?;
            Ok(())
        },
        broken: ADD_NEVER_FAILS,
    },
];
