//! `tuning`: settings of the interface and of the kernel.

use serde_json::{Value, json};

use crate::attachment::Attachment;
use crate::case::{Case, Of};
use crate::cases::leak::added;
use crate::unmet::{Outcome, require};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "chained.tuning",
        says: "mtu, mac, promisc, allmulti, txQLen and sysctl are set by ADD, and DEL brings back what was there",
        source: "cni.dev, tuning; part 3: \"configures and deconfigures …\"",
        of: Of::Plugins(&["tuning"]),
        check: |stage| comes_and_goes(&stage.attachment()?.with(&every_key())),
        broken: r#"real; code=$?; on DEL && within ip link set eth0 txqueuelen 78; exit "$code""#,
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
        broken: r#"real; code=$?; on DEL && within sysctl -qw net.ipv4.conf.eth0.arp_filter=1; exit "$code""#,
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
        broken: "says 'if .interfaces then .interfaces[1].mtu = 1500 else . end'",
    },
    Case {
        id: "chained.tuning-args",
        says: "args.cni.sysctl is taken without a `sysctl` of the configuration",
        source: "CONVENTIONS.md, args; P-061, B-17",
        of: Of::Plugins(&["tuning"]),
        check: |stage| {
            let a = stage.attachment()?.without("sysctl");
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
        broken: r#"hears 'if .sysctl["kernel.hostname"] then del(.sysctl) else . end'"#,
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
        broken: "if on CHECK; then hears 'del(.sysctl)'; else real; fi",
    },
    Case {
        id: "chained.tuning-by-args",
        says: "mtu, mac, promisc, allmulti and txQLen are taken from args.cni, before the configuration's, and DEL brings back what was there",
        source: "CONVENTIONS.md, args; part 3: \"… from args with ADD/DEL\"; P-061",
        of: Of::Plugins(&["tuning"]),
        check: |stage| {
            comes_and_goes(&stage.attachment()?.with(&json!({ "mtu": 1450, "args": { "cni": every_key() } })))
        },
        broken: "hears 'del(.args.cni.promisc)'",
    },
    Case {
        id: "chained.tuning-mac-asked-for",
        says: "the MAC comes from CNI_ARGS, and runtimeConfig's beats it",
        source: "CONVENTIONS.md, mac; part 3: \"mac address (from CNI_ARGS), (from RuntimeConfig)\"; P-060, P-062",
        of: Of::Plugins(&["tuning"]),
        check: |stage| {
            let by_runtime =
                json!({ "capabilities": { "mac": true }, "runtimeConfig": { "mac": "c2:11:22:33:44:77" } });
            for (keys, wanted) in [(json!({}), "c2:11:22:33:44:66"), (by_runtime, "c2:11:22:33:44:77")] {
                let a = stage.attachment()?.with(&keys);
                let args = "IgnoreUnknown=1;MAC=c2:11:22:33:44:66";
                stage.run(&a.call("ADD").env("CNI_ARGS", args)).success()?;
                let seen = a.link()["address"].clone();
                require!(seen == wanted, "the MAC is {seen}, not {wanted}");
                stage.run(&a.call("DEL").env("CNI_ARGS", args)).silent_success()?;
            }
            Ok(())
        },
        broken: "hears 'del(.runtimeConfig.mac)'",
    },
];

/// A value for each key that DEL brings back.
fn every_key() -> Value {
    json!({ "mtu": 1400, "mac": "c2:11:22:33:44:55", "promisc": true, "allmulti": true, "txQLen": 77 })
}

/// ADD sets [`every_key`] and the sysctl, and DEL brings back what was there.
fn comes_and_goes(a: &Attachment<'_>) -> Outcome {
    let look = "ip -d -o link show eth0 | sed 's/qdisc.*qlen/qlen/'";
    let before = a.inside(look);
    let result = a.add()?;
    require!(result["interfaces"][1]["mac"] == "c2:11:22:33:44:55", "the result says {result}");
    let link = a.link();
    let said = [&link["mtu"], &link["address"], &link["txqlen"]];
    require!(said == [&json!(1400), &json!("c2:11:22:33:44:55"), &json!(77)], "the interface has {said:?}");
    require!(link["promiscuity"] == 1 && link["allmulti"] == 1, "no promisc or allmulti: {link}");
    require!(a.inside("sysctl -n net.ipv4.conf.eth0.arp_filter").trim() == "1", "no sysctl");
    a.check()?;
    a.del()?;
    let after = a.inside(look);
    require!(before == after, "before: {before}\nafter DEL: {after}");
    Ok(())
}
