//! CNI spec, section 4: plugin delegation, seen by an IPAM plugin of the judge's own.

use serde_json::{Value, json};

use crate::attachment::Attachment;
use crate::call::words;
use crate::case::{Case, Of};
use crate::cases::breakage::ADD_NEVER_FAILS;
use crate::specimen::Ipam;
use crate::stage::Stage;
use crate::standin::{NAME, StandIn};
use crate::unmet::{Outcome, Unmet, require};

/// Those that delegate to what `ipam` names.
const DELEGATING: Of =
    Of::Plugins(&["bridge", "ptp", "macvlan", "ipvlan", "vlan", "tap", "dummy", "host-device"]);

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "protocol.delegate-environment",
        says: "a delegate gets every variable that the plugin got, those of a trace too, and the whole configuration",
        source: "CNI spec 4; cni#561; P-050, P-054, P-064",
        of: DELEGATING,
        check: whole,
        broken: "unset TRACEPARENT; real",
    },
    Case {
        id: "protocol.delegate-every-verb",
        says: "a plugin hands CHECK, DEL, STATUS and GC on to its delegate",
        source: "CNI spec 4, and GC: \"Plugins MUST forward all GC calls to delegated plugins\"; P-044, P-045, P-046, P-051, B-07",
        of: DELEGATING,
        check: |stage| {
            let (a, standin) = delegating(stage)?;
            a.add()?;
            a.check()?;
            let mut verbs = vec!["ADD", "CHECK"];
            if stage.knows("1.1.0").is_ok() {
                a.run("STATUS").silent_success()?;
                a.gc(&json!([a.valid()])).silent_success()?;
                verbs.extend(["STATUS", "GC"]);
            }
            a.del()?;
            verbs.push("DEL");
            let calls = standin.calls();
            for verb in verbs {
                require!(calls.iter().any(|call| call == verb), "no {verb} for the delegate, only {calls:?}");
            }
            Ok(())
        },
        broken: "if on GC; then hears 'del(.ipam)'; else real; fi",
    },
    Case {
        id: "protocol.delegate-errors",
        says: "an error of the delegate is the plugin's error, with its code",
        source: "CNI spec 4 and CHECK; P-044, P-045, P-051",
        of: DELEGATING,
        check: |stage| {
            let (a, standin) = delegating(stage)?;
            a.add()?;
            standin.fails("CHECK", &told(131));
            let error = a.run("CHECK").error()?;
            require!(words(&error).contains("told so"), "the delegate's words are lost: {error}");
            if stage.knows("1.1.0").is_ok() {
                standin.fails("STATUS", &told(50));
                a.run("STATUS").error_of(&[50])?;
            }
            a.run("DEL");
            Ok(())
        },
        broken: r#"says 'if .code then .msg = "failed" | del(.details) else . end'"#,
    },
    Case {
        id: "protocol.delegate-add-fails",
        says: "if the delegate's ADD fails, the plugin fails, calls it with DEL, and leaves no interface",
        source: "CNI spec 4: \"should execute it again with DEL\"; P-041, B-06, B-10, B-11",
        of: DELEGATING,
        check: |stage| {
            let (a, standin) = delegating(stage)?;
            standin.fails("ADD", &told(131));
            let error = a.run("ADD").error()?;
            require!(words(&error).contains("told so"), "the delegate's words are lost: {error}");
            require!(a.link().is_null(), "the interface stays: {}", a.link());
            let calls = standin.calls();
            require!(calls == ["ADD", "DEL"], "the delegate was called with {calls:?}");
            Ok(())
        },
        broken: r#"real; code=$?; on ADD && [ "$code" != 0 ] && within ip link add "$CNI_IFNAME" type veth peer name other; exit "$code""#,
    },
    Case {
        id: "protocol.delegate-without-address",
        says: "a delegate that hands out no address fails the ADD, and gets its DEL",
        source: "libcni: \"IPAM plugin returned missing IP config\"; P-041, P-053",
        of: DELEGATING,
        check: |stage| {
            let (a, standin) = delegating(stage)?;
            standin.answers(&json!({ "cniVersion": "1.0.0", "dns": {} }));
            a.run("ADD").error()?;
            require!(a.link().is_null(), "the interface stays: {}", a.link());
            require!(standin.calls().contains(&"DEL".to_owned()), "no DEL: {:?}", standin.calls());
            Ok(())
        },
        broken: ADD_NEVER_FAILS,
    },
    Case {
        id: "protocol.delegate-of-an-old-version",
        says: "a delegate's result of an older version is understood",
        source: "libcni; P-053",
        of: DELEGATING,
        check: |stage| {
            let (a, standin) = delegating(stage)?;
            standin.answers(&json!({
                "cniVersion": "0.2.0", "ip4": { "ip": "10.77.0.9/16", "gateway": "10.77.0.1" }, "dns": {},
            }));
            let result = a.add()?;
            require!(result["ips"][0]["address"] == "10.77.0.9/16", "another address: {result}");
            a.run("DEL");
            Ok(())
        },
        broken: r#"says 'if .ips[0].address == "10.77.0.9/16" then del(.ips) else . end'"#,
    },
    Case {
        id: "protocol.delegate-search",
        says: "a delegate is looked for in CNI_PATH; one that is missing, or whose name has a path in it, is an error naming it",
        source: "CNI spec 4; P-014",
        of: DELEGATING,
        check: |stage| {
            for name in ["nobody", "../bin/nobody"] {
                let a = stage.attachment()?.with(&json!({ "ipam": { "type": name } }));
                let error = a.run("ADD").error()?;
                require!(words(&error).contains("nobody"), "the error does not name it: {error}");
                require!(a.link().is_null(), "the interface stays: {}", a.link());
            }
            // Its place in the list does not matter, nor do directories that are not there.
            let (a, standin) = delegating(stage)?;
            let path = format!("/nowhere:{}:{}", stage.plugins.display(), standin.directory().display());
            stage.run(&a.call("ADD").env("CNI_PATH", &path)).success()?;
            stage.run(&a.call("DEL").env("CNI_PATH", &path)).success()
        },
        broken: "CNI_PATH=${CNI_PATH%%:*} real",
    },
    Case {
        id: "protocol.delegate-stderr",
        says: "what a delegate says on standard error comes out on the plugin's",
        source: "CNI spec 4 (SHOULD); P-051",
        of: DELEGATING,
        check: |stage| {
            let (a, _standin) = delegating(stage)?;
            let answer = a.run("ADD");
            answer.success()?;
            require!(answer.stderr.contains("a word on standard error"), "it is lost: {}", answer.shown());
            a.run("DEL");
            Ok(())
        },
        broken: "real 2>/dev/null",
    },
];

/// An attachment whose addresses come from the judge.
pub(crate) fn delegating<'s>(stage: &'s Stage<'s>) -> Result<(Attachment<'s>, StandIn), Unmet> {
    let standin = stage.standin();
    debug_assert!(stage.specimen.ipam == Ipam::Delegates, "only those are asked");
    let mut a = stage.attachment()?.with(&json!({ "ipam": { "type": NAME, "own": { "key": 1 } } }));
    a.path = Some(format!("{}:{}", standin.directory().display(), stage.plugins.display()));
    Ok((a, standin))
}

fn told(code: u64) -> Value {
    json!({ "cniVersion": "1.0.0", "code": code, "msg": "told so", "details": "by the judge" })
}

fn whole(stage: &Stage<'_>) -> Outcome {
    let (a, standin) = delegating(stage)?;
    let a = a.with(&json!({ "somethingNew": [1, 2], "ipMasq": false }));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let call = a.call("ADD").env("TRACEPARENT", trace).env("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAME=web");
    stage.run(&call).success()?;
    let environment = standin.environment("ADD");
    for (key, value) in &call.environment {
        let line = format!("{key}={value}");
        require!(environment.lines().any(|one| one == line), "the delegate has no {line}:\n{environment}");
    }
    let sent: Value = serde_json::from_str(&call.stdin).unwrap_or_default();
    let got = standin.stdin("ADD");
    for (key, value) in sent.as_object().into_iter().flatten() {
        require!(got[key] == *value, "of the configuration's {key}, {value}, the delegate got {}", got[key]);
    }
    a.run("DEL");
    Ok(())
}
