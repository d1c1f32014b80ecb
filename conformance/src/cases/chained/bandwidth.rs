//! `bandwidth`: limits in both directions.

use serde_json::json;

use crate::case::{Case, Of};
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
];
