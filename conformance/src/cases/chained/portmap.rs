//! `portmap`: ports of the host.

use serde_json::{Value, json};

use crate::attachment::Attachment;
use crate::case::{Case, Of};
use crate::cases::breakage::ADD_NEVER_FAILS;
use crate::cases::leak::added;
use crate::life::{same, settled};
use crate::traffic::tcp;
use crate::unmet::{Outcome, Unmet, require, skip};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "chained.portmap-del-without-mappings",
        says: "DEL without the mappings that ADD had takes its rules away",
        source: "CNI spec 2, DEL; R-1; P-042, B-18",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            added(stage.attachment()?)?.del()?;
            let before = settled(stage.node);
            let a = added(stage.attachment()?)?.without("runtimeConfig");
            a.del()?;
            drop(a);
            same(stage, &before)
        },
        broken: "heard; on DEL && ! has runtimeConfig && exit 0; go",
    },
    Case {
        id: "chained.portmap-two-interfaces",
        says: "of two interfaces of one container, the DEL of one leaves the ports of the other",
        source: "Multus: one container ID, several interfaces; 5.5, B-20",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            let a = added(stage.attachment()?)?;
            let second = second_interface(&a);
            outlives(&a, &second)
        },
        broken: r#"heard; go; code=$?; on DEL && [ "$CNI_IFNAME" = eth1 ] && CNI_IFNAME=eth0 && go; exit "$code""#,
    },
    Case {
        id: "chained.portmap-two-networks",
        says: "of two networks of one container, the DEL of one leaves the ports of the other, by nftables too",
        source: "Multus: one container ID, several networks; 5.5, B-19",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            let a = added(stage.attachment()?.with(&json!({ "backend": "nftables" })))?;
            let mut second = second_interface(&a);
            second["name"] = json!("second");
            outlives(&a, &second)
        },
        broken: r#"heard; go; code=$?; on DEL && [ "$CNI_IFNAME" = eth1 ] && CNI_IFNAME=eth0 && printf %s "$in" | hears '.name = "judged"'; exit "$code""#,
    },
    Case {
        id: "chained.portmap-taken-port",
        says: "a host port that another container holds is refused, or leads to the container that asked last: an ADD that succeeds is true",
        source: "CNI spec 2, ADD; part 3: \"keep working after creating a second container with the same HostPort\"; B-21",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            let ports = json!([{ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" }]);
            let keys = json!({ "runtimeConfig": { "portMappings": ports } });
            let a = added(stage.attachment()?.with(&keys))?;
            let b = stage.attachment()?.with(&keys);
            let answer = b.run("ADD");
            if answer.code == 0 {
                let there = (b.own_addresses().0, 80).into();
                let came = tcp(&b.pod, there, stage.node, ([127, 0, 0, 1], 8080).into());
                require!(came.is_ok(), "the second ADD succeeds, and the port does not lead there: {came:?}");
                return b.del();
            }
            answer.error()?;
            b.run("DEL").success()?;
            a.check()?;
            a.del()
        },
        broken: ADD_NEVER_FAILS,
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
        broken: "hears 'if .runtimeConfig.portMappings[0].containerPort == 0 then del(.runtimeConfig) else . end'",
    },
    Case {
        id: "chained.portmap-without-index",
        says: "addresses that name no interface are the container's: the port leads to them",
        source: "part 3: \"does not fail on missing prevResult interface index\"; CNI spec 5: `interface` is optional",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            let ports = json!([{ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" }]);
            let a = stage.attachment()?.with(&json!({ "runtimeConfig": { "portMappings": ports } }));
            let mut conf = a.sent("ADD");
            for ip in conf["prevResult"]["ips"].as_array_mut().into_iter().flatten() {
                ip.as_object_mut().map(|ip| ip.remove("interface"));
            }
            let call = a.call("ADD").stdin(&conf);
            stage.run(&call).success()?;
            let there = (a.own_addresses().0, 80).into();
            tcp(&a.pod, there, stage.node, ([127, 0, 0, 1], 8080).into()).map_err(Unmet::Fails)?;
            stage.run(&call.env("CNI_COMMAND", "DEL")).silent_success()
        },
        broken: r#"heard; on ADD && ! has '"interface":' && refuse 7; go"#,
    },
    Case {
        id: "chained.portmap-foreign-keys",
        says: "keys that only iptables knows are refused with the backend nftables",
        source: "part 3: \"rejects iptables options with 'backend: nftables'\"",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            if stage.versions().last().is_none_or(|last| last != "1.1.0") {
                skip!("the key came with 1.6.0 of the reference, which knows 1.1.0");
            }
            let keys = json!({ "backend": "nftables", "externalSetMarkChain": "JUDGED" });
            stage.attachment()?.with(&keys).run("ADD").error()?;
            Ok(())
        },
        broken: "hears 'del(.externalSetMarkChain)'",
    },
];

/// The configuration for another interface of the container, with a port of its own.
fn second_interface(a: &Attachment<'_>) -> Value {
    let mut conf = a.sent("ADD");
    conf["runtimeConfig"]["portMappings"] =
        json!([{ "hostPort": 9100, "containerPort": 80, "protocol": "tcp" }]);
    conf["prevResult"]["interfaces"][1]["name"] = json!("eth1");
    conf["prevResult"]["ips"] =
        json!([{ "interface": 1, "address": "10.78.9.9/16", "gateway": "10.78.0.1" }]);
    conf
}

/// The second interface comes and goes, and the first keeps its ports.
fn outlives(a: &Attachment<'_>, second: &Value) -> Outcome {
    let call = a.call("ADD").env("CNI_IFNAME", "eth1").stdin(second);
    a.stage.run(&call).success()?;
    a.stage.run(&call.env("CNI_COMMAND", "DEL")).silent_success()?;
    a.check()?;
    a.del()
}
