//! CNI spec 2, ADD: a container is added to a network, or an interface of it adjusted.

use serde_json::{Value, json};

use super::KNOWN;
use crate::case::{Case, Of};
use crate::cases::breakage::CUT;
use crate::specimen::Kind;
use crate::stage::Stage;
use crate::unmet::{Outcome, require};

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
        broken: "if on ADD; then real >/dev/null; else real; fi",
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
        broken: CUT,
    },
    Case {
        id: "protocol.add-refuses-a-taken-name",
        says: "ADD fails if an interface of that name already exists, and leaves it alone",
        source: "CNI spec 2, ADD; P-040",
        of: Of::Except(&[Kind::Interface], &["loopback"]),
        check: |stage| {
            let a = stage.attachment()?;
            a.inside(&format!("ip link add {} type veth peer name other", a.ifname));
            a.run("ADD").error()?;
            // Its delegate's DEL, which the specification asks for after a failure, takes an interface of that name.
            require!(
                stage.name == "flannel" || a.link()["linkinfo"]["info_kind"] == "veth",
                "the other interface is gone: {}",
                a.link()
            );
            a.run("DEL");
            Ok(())
        },
        broken: r#"on ADD && within ip link del "$CNI_IFNAME" 2>/dev/null; real"#,
    },
    Case {
        id: "protocol.chain-passes-on",
        says: "a chained plugin hands on the result of the plugins before it: their interfaces, addresses, routes and dns",
        source: "CNI spec 2, ADD; P-035",
        of: Of::Kinds(&[Kind::Chained]),
        check: passes_on,
        broken: "says 'if .ips then del(.ips[1]) else . end'",
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
        broken: r#"heard; on ADD && ! has prevResult && { echo '{"cniVersion":"1.0.0"}'; exit 0; }; go"#,
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
        broken: "hears 'if .prevResult and (.prevResult.cniVersion | not) then del(.prevResult) else . end'",
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
