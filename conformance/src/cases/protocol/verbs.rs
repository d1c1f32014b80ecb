//! CNI spec, section 2: what each verb promises.

use serde_json::{Value, json};

use super::KNOWN;
use crate::case::{Case, Of};
use crate::cases::breakage::{ALARMED, CONTENT, FAILING_DEL, NO_CHECK};
use crate::specimen::Kind;
use crate::stage::Stage;
use crate::unmet::{Outcome, fail, require, skip};

/// Those that make or adjust an interface.
const ATTACHING: &[Kind] = &[Kind::Interface, Kind::Chained];

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "protocol.add",
        says: "ADD succeeds with exit 0 and prints its result, one JSON value, on standard output",
        source: "CNI spec 2, ADD; P-001, P-002, P-040",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            let result = a.add()?;
            require!(result["cniVersion"].is_string(), "a result without cniVersion: {result}");
            a.del()
        },
        broken: "real >/dev/null",
    },
    Case {
        id: "protocol.add-makes-the-interface",
        says: "ADD creates the interface CNI_IFNAME inside CNI_NETNS, and it is up",
        source: "CNI spec 2, ADD; P-040",
        of: Of::Kinds(&[Kind::Interface]),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            let link = a.link();
            let up = link["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == "UP"));
            require!(up, "no interface {} that is up: {link}", a.ifname);
            a.del()
        },
        broken: r#"[ "$CNI_COMMAND" != ADD ] || { echo '{"cniVersion":"1.0.0"}'; exit 0; }; real"#,
    },
    Case {
        id: "protocol.add-refuses-a-taken-name",
        says: "ADD fails if an interface of that name already exists, and leaves it alone",
        source: "CNI spec 2, ADD; P-040",
        of: Of::Kinds(&[Kind::Interface]),
        check: |stage| {
            if stage.name == "loopback" {
                skip!("lo is always there");
            }
            let a = stage.attachment()?;
            if stage.name == "flannel" {
                skip!(
                    "the DEL of its delegate, which the specification asks for after a failure, takes an interface of that name"
                );
            }
            a.inside(&format!("ip link add {} type veth peer name other", a.ifname));
            a.run("ADD").error()?;
            require!(
                a.link()["linkinfo"]["info_kind"] == "veth",
                "the other interface is gone: {}",
                a.link()
            );
            a.run("DEL");
            Ok(())
        },
        broken: CONTENT,
    },
    Case {
        id: "protocol.del",
        says: "DEL takes the attachment away, succeeds and prints nothing",
        source: "CNI spec 2, DEL; P-042",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            a.del()?;
            if stage.specimen.kind == Kind::Interface && stage.name != "loopback" {
                require!(a.link().is_null(), "the interface is still there: {}", a.link());
            }
            Ok(())
        },
        broken: r#"real; [ "$CNI_COMMAND" != DEL ] || echo '{}'"#,
    },
    Case {
        id: "protocol.del-twice",
        says: "DEL of what is gone already is a success",
        source: "CNI spec 2, DEL: \"Plugins MUST accept multiple DEL calls\"; P-042",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            a.del()?;
            a.del()
        },
        broken: r#"if [ "$CNI_COMMAND" = DEL ]; then f=$(dirname "$0")/once; [ ! -f "$f" ] || exit 1; : >"$f"; fi; real"#,
    },
    Case {
        id: "protocol.del-of-nothing",
        says: "DEL of an attachment that never was is a success",
        source: "CNI spec 2, DEL; P-042, R-1",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.run("DEL").silent_success()
        },
        broken: FAILING_DEL,
    },
    Case {
        id: "protocol.del-without-namespace",
        says: "DEL succeeds with an empty CNI_NETNS, and without the variable",
        source: "CNI spec 2, DEL; containerd after a reboot; P-004, P-042",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            stage.run(&a.call("DEL").env("CNI_NETNS", "")).silent_success()?;
            stage.run(&a.call("DEL").without("CNI_NETNS")).silent_success()
        },
        broken: r#"[ -n "${CNI_NETNS-}" ] || [ "$CNI_COMMAND" != DEL ] || exit 1; real"#,
    },
    Case {
        id: "protocol.del-of-a-lost-namespace",
        says: "DEL succeeds if the path in CNI_NETNS is gone",
        source: "CNI spec 2, DEL; P-042",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            stage.run(&a.call("DEL").env("CNI_NETNS", "/run/netns/gone")).silent_success()
        },
        broken: r#"[ -e "${CNI_NETNS-}" ] || [ "$CNI_COMMAND" != DEL ] || exit 1; real"#,
    },
    Case {
        id: "protocol.del-without-prev-result",
        says: "DEL succeeds without prevResult",
        source: "CNI spec 2, DEL; R-3, P-035",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            stage.run(&a.call("DEL").stdin(&a.conf)).silent_success()
        },
        broken: r#"in=$(cat); case $in in *prevResult*) ;; *) [ "$CNI_COMMAND" != DEL ] || exit 1 ;; esac; printf %s "$in" | real"#,
    },
    Case {
        id: "protocol.check-after-add",
        says: "CHECK right after ADD succeeds and prints nothing",
        source: "CNI spec 2, CHECK; CRI-O; P-044",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            a.check()?;
            a.del()
        },
        broken: ALARMED,
    },
    Case {
        id: "protocol.check-finds-a-lost-interface",
        says: "CHECK fails if the interface is gone",
        source: "CNI spec 2, CHECK; P-044, B-15",
        // Not those of packet rules: those hold for an address, whoever has it.
        of: Of::Plugins(&[
            "bridge",
            "ptp",
            "macvlan",
            "ipvlan",
            "vlan",
            "tap",
            "dummy",
            "host-device",
            "loopback",
            "flannel",
            "bandwidth",
            "tuning",
            "sbr",
            "vrf",
        ]),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            if stage.name == "loopback" {
                a.inside("ip link set lo down");
            } else if stage.name == "host-device" {
                a.inside("ip link set eth0 down && ip link set eth0 name elsewhere");
            } else {
                a.inside("ip link del eth0");
            }
            a.run("CHECK").error()?;
            a.run("DEL");
            Ok(())
        },
        broken: NO_CHECK,
    },
    Case {
        id: "protocol.check-finds-a-lost-address",
        says: "CHECK fails if an address of the result is gone",
        source: "CNI spec 2, CHECK; P-044",
        of: Of::Kinds(&[Kind::Interface]),
        check: |stage| {
            if stage.name == "loopback" {
                skip!("the kernel's own addresses are not the plugin's");
            }
            let a = stage.attachment()?;
            let result = a.add()?;
            let Some(address) = result["ips"][0]["address"].as_str() else { fail!("no address: {result}") };
            a.inside(&format!("ip addr del {address} dev {}", a.ifname));
            a.run("CHECK").error()?;
            a.del()
        },
        broken: NO_CHECK,
    },
    Case {
        id: "protocol.check-allows-later-changes",
        says: "CHECK allows what later plugins of the chain may change: further routes and addresses",
        source: "CNI spec 2, CHECK; P-044",
        of: Of::Kinds(ATTACHING),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            a.inside(&format!(
                "ip addr add 192.0.2.7/32 dev {0} && ip route add 198.51.100.0/24 dev {0}",
                a.ifname
            ));
            a.check()?;
            a.del()
        },
        broken: r#"[ "$CNI_COMMAND" != CHECK ] || ! ip netns exec "$(basename "$CNI_NETNS")" ip route | grep -q 198.51 || exit 1; real"#,
    },
    Case {
        id: "protocol.check-wants-prev-result",
        says: "CHECK without prevResult fails: it has nothing to compare with",
        source: "CNI spec 2, CHECK: prevResult is required; P-035",
        of: Of::Kinds(ATTACHING),
        check: |stage| {
            if stage.name == "loopback" {
                skip!("what it brings up is the same without a prevResult");
            }
            let a = stage.attachment()?;
            a.add()?;
            stage.run(&a.call("CHECK").stdin(&a.conf)).error()?;
            a.del()
        },
        broken: CONTENT,
    },
    Case {
        id: "protocol.chain-passes-on",
        says: "a chained plugin hands on the result of the plugins before it: their interfaces, addresses, routes and dns",
        source: "CNI spec 2, ADD; P-035",
        of: Of::Kinds(&[Kind::Chained]),
        check: passes_on,
        broken: "real | jq -c 'if .ips then del(.ips[1]) else . end'",
    },
    Case {
        id: "protocol.chain-wants-prev-result",
        says: "a chained plugin without prevResult fails in ADD",
        source: "the reference plugins: \"must be called as chained plugin\"; P-035",
        of: Of::Kinds(&[Kind::Chained]),
        check: |stage| {
            let a = stage.attachment()?;
            stage.run(&a.call("ADD").stdin(&a.conf)).error()?;
            a.run("DEL").success()
        },
        broken: CONTENT,
    },
    Case {
        id: "protocol.prev-result-without-version",
        says: "a prevResult without cniVersion is one of the configuration's version",
        source: "libcni; P-034",
        of: Of::Kinds(&[Kind::Chained]),
        check: |stage| {
            let a = stage.attachment()?;
            let mut conf = a.sent("ADD");
            conf["prevResult"].as_object_mut().map(|result| result.remove("cniVersion"));
            stage.run(&a.call("ADD").stdin(&conf)).success()?;
            a.run("DEL").success()
        },
        broken: "jq -c 'if .prevResult and (.prevResult.cniVersion | not) then del(.prevResult) else . end' | real",
    },
    Case {
        id: "protocol.status",
        says: "STATUS of a plugin that could do an ADD succeeds and prints nothing, without a container in the environment",
        source: "CNI spec 2, STATUS; P-045",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            stage.knows("1.1.0")?;
            let a = stage.attachment()?;
            a.run("STATUS").silent_success()
        },
        broken: r#"[ "$CNI_COMMAND" != STATUS ] || exit 1; real"#,
    },
    Case {
        id: "protocol.gc-spares-the-valid",
        says: "GC keeps what belongs to a valid attachment, succeeds and prints nothing",
        source: "CNI spec 2, GC; P-046",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            stage.knows("1.1.0")?;
            let a = stage.attachment()?;
            a.add()?;
            a.gc(&json!([a.valid()])).silent_success()?;
            a.check()?;
            a.del()
        },
        broken: r#"real; [ "$CNI_COMMAND" != GC ] || echo '{}'"#,
    },
    Case {
        id: "protocol.gc-without-list",
        says: "GC without a list of valid attachments removes nothing of anybody",
        source: "cnitool gc; P-047",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            stage.knows("1.1.0")?;
            let a = stage.attachment()?;
            a.add()?;
            // An error says so, too.
            stage.run(&a.call("GC"));
            a.check()?;
            a.del()
        },
        broken: r#"[ "$CNI_COMMAND" != GC ] || { ip netns exec judged-1 ip link del eth0; ip -all netns delete; }; [ "$CNI_COMMAND" != CHECK ] || exit 1; real"#,
    },
    Case {
        id: "protocol.del-of-a-lost-interface",
        says: "DEL succeeds if the interface is gone from the namespace",
        source: "CNI spec 2, DEL; P-042",
        of: Of::Kinds(ATTACHING),
        check: |stage| {
            if matches!(stage.name, "loopback") {
                skip!("lo is always there");
            }
            let a = stage.attachment()?;
            a.add()?;
            a.inside("ip link del eth0");
            a.del()
        },
        broken: r#"[ "$CNI_COMMAND" != DEL ] || ip netns exec "$(basename "$CNI_NETNS")" ip link show eth0 || exit 1; real"#,
    },
];

/// What came before is found in what comes out.
fn passes_on(stage: &Stage<'_>) -> Outcome {
    let a = stage.attachment()?;
    let mut before = a.before.clone().unwrap_or_default();
    before["dns"] = json!({ "nameservers": ["192.0.2.53"], "search": ["example"] });
    let mut conf = a.conf.clone();
    conf["prevResult"] = before.clone();
    let answer = stage.run(&a.call("ADD").stdin(&conf));
    answer.success()?;
    let result = answer.json()?;
    for key in ["ips", "routes", "dns"] {
        require!(result[key] == before[key], "`{key}` was {} and is {}", before[key], result[key]);
    }
    for interface in before["interfaces"].as_array().into_iter().flatten() {
        let same = |other: &Value| ["name", "mac", "sandbox"].iter().all(|key| other[key] == interface[key]);
        let found = result["interfaces"].as_array().is_some_and(|all| all.iter().any(same));
        require!(found, "the interface {interface} is not in {}", result["interfaces"]);
    }
    a.run("DEL").success()
}
