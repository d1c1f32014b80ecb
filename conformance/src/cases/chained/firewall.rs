//! `firewall`: what is let through.

use serde_json::json;

use crate::case::{Case, Of};
use crate::cases::leak::added;
use crate::life::{same, settled};
use crate::stage::Stage;
use crate::unmet::{Outcome, require};

pub(crate) const CASES: &[Case] = &[
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
        broken: r#"heard; go; code=$?; on DEL && CNI_CONTAINERID=successor && go; exit "$code""#,
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
        broken: "hears 'del(.backend)'",
    },
    Case {
        id: "chained.firewall-ingress-policy",
        says: "the rules of an ingressPolicy go with the last container",
        source: "CNI spec 2, DEL; P-042, B-23",
        of: Of::Plugins(&["firewall"]),
        check: ingress_policy,
        broken: "heard; on DEL && has ingressPolicy && exit 0; go",
    },
    Case {
        id: "chained.firewall-admin-chain",
        says: "iptablesAdminChainName is the chain that is asked before the plugin's own rules",
        source: "cni.dev, firewall; part 3: \"correctly handles a custom IptablesAdminChainName\"",
        of: Of::Plugins(&["firewall"]),
        check: |stage| {
            let a = stage.attachment()?;
            let a = a.with(&json!({ "backend": "iptables", "iptablesAdminChainName": "CNI-JUDGED" }));
            a.add()?;
            let rules = stage.host("iptables -S");
            require!(rules.contains("-j CNI-JUDGED"), "nothing leads to CNI-JUDGED:\n{rules}");
            a.del()
        },
        broken: "hears 'del(.iptablesAdminChainName)'",
    },
];

fn ingress_policy(stage: &Stage<'_>) -> Outcome {
    let life = || {
        let a = stage.attachment()?.with(&json!({ "ingressPolicy": "same-bridge" }));
        let number = a.number;
        // Each network has a bridge of its own.
        let bridge = format!("br{number}");
        stage.host(&format!("ip link add {bridge} type bridge && ip link set host{number} master {bridge}"));
        let mut conf = a.sent("ADD");
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
