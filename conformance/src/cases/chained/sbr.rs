//! `sbr`: routing by the source address.

use serde_json::json;

use crate::attachment::Attachment;
use crate::case::{Case, Of};
use crate::cases::leak::added;
use crate::unmet::require;

pub(crate) const CASES: &[Case] = &[
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
        broken: r#"real; code=$?; on DEL && within ip -6 rule add from fd78::2 table 100; exit "$code""#,
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
        broken: "on CHECK && ! within ip rule | grep -q 'from 10.78.' && exit 0; real",
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
        broken: r#"on DEL && [ ! -e "${CNI_NETNS-}" ] && : >"$CNI_NETNS"; real"#,
    },
    Case {
        id: "chained.sbr-table",
        says: "with `table` the rules lead to that table, which is somebody else's: it gets no routes, and DEL takes the rules away",
        source: "cni.dev, sbr; part 3: \"Works with Table ID\"",
        of: Of::Plugins(&["sbr"]),
        check: |stage| {
            let a = stage.attachment()?.with(&json!({ "table": 77 }));
            let before = a.inside("ip rule");
            a.add()?;
            let rules = a.inside("ip rule");
            let rule = format!("from {} lookup 77", a.own_addresses().0);
            require!(rules.contains(&rule), "no rule {rule}: {rules}");
            let routes = a.inside("ip route show table all");
            require!(!routes.contains("table 77"), "there are routes in table 77: {routes}");
            a.check()?;
            a.del()?;
            let after = a.inside("ip rule");
            require!(after == before, "before: {before}\nafter DEL: {after}");
            Ok(())
        },
        broken: "hears 'del(.table)'",
    },
    Case {
        id: "chained.sbr-gateways",
        says: "`gateways`, one of each family, take the place of those of the addresses",
        source: "cni.dev, sbr; part 3: \"Works with dual-stack static gateway configuration\"",
        of: Of::Plugins(&["sbr"]),
        check: |stage| {
            let a = stage.attachment()?.with(&json!({ "gateways": ["10.78.0.1", "fd78::1"] }));
            let mut conf = a.sent("ADD");
            for ip in conf["prevResult"]["ips"].as_array_mut().into_iter().flatten() {
                ip.as_object_mut().map(|ip| ip.remove("gateway"));
            }
            // No other way to know it.
            conf["prevResult"]["routes"] = json!([]);
            a.inside("ip route del default; ip -6 route del default");
            let call = a.call("ADD").stdin(&conf);
            stage.run(&call).success()?;
            for (family, gateway) in [("-4", "10.78.0.1"), ("-6", "fd78::1")] {
                let routes = a.inside(&format!("ip {family} route show table all"));
                require!(
                    routes.contains(&format!("default via {gateway} ")),
                    "no default route by {gateway}: {routes}"
                );
            }
            stage.run(&call.env("CNI_COMMAND", "DEL")).silent_success()
        },
        broken: r#"hears 'if .gateways then .gateways -= ["fd78::1"] else . end'"#,
    },
    Case {
        id: "chained.sbr-two-gateways",
        says: "two gateways of one family are refused",
        source: "part 3: \"Rejects multiple IPv4 gateways\"",
        of: Of::Plugins(&["sbr"]),
        check: |stage| {
            stage
                .attachment()?
                .with(&json!({ "gateways": ["10.78.0.1", "10.78.0.2"] }))
                .run("ADD")
                .error()?;
            Ok(())
        },
        broken: "hears 'del(.gateways[1]?)'",
    },
];
