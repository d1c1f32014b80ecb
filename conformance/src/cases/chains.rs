//! Whole lists of plugins, as runtimes run them: CNI spec, section 3.

use serde_json::{Value, json};

use crate::attachment::Attachment;
use crate::case::{Case, Of};
use crate::life::leaves_nothing;
use crate::unmet::{Unmet, require};

/// A list's later plugins, with what each of them takes.
const LATER: &[&str] = &["portmap", "firewall", "tuning", "bandwidth", "sbr"];

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "chains.whole-list",
        says: "a list of an interface plugin and every chained one: ADD in order, CHECK in order, DEL backwards, nothing left",
        source: "CNI spec 3; part 3: \"supports add and del with ptp + bandwidth\"",
        of: Of::Plugins(&["bridge", "ptp"]),
        check: |stage| {
            leaves_nothing(
                stage,
                || stage.attachment(),
                |a| {
                    let result = run(&a, LATER)?;
                    for name in std::iter::once(&stage.name).chain(LATER.iter()) {
                        call(&a, name, "CHECK", Some(&result))?;
                    }
                    for name in LATER.iter().rev().chain([&stage.name]) {
                        call(&a, name, "DEL", Some(&result))?;
                    }
                    Ok(())
                },
            )
        },
        broken: r#"heard; on DEL && has '"bwp' && leave; go"#,
    },
    Case {
        id: "chains.del-after-a-failed-add",
        says: "after an ADD that failed half way, a DEL of the whole list without prevResult succeeds and leaves nothing",
        source: "CNI spec 3; containerd and CRI-O; R-1, R-2, P-041",
        of: Of::Plugins(&["bridge", "ptp"]),
        check: |stage| {
            leaves_nothing(
                stage,
                || stage.attachment(),
                |a| {
                    // The later ones of the list were never called.
                    run(&a, &LATER[..2])?;
                    for name in LATER.iter().rev().chain([&stage.name]) {
                        call(&a, name, "DEL", None)?;
                    }
                    Ok(())
                },
            )
        },
        broken: "heard; on DEL && ! has prevResult && leave; go",
    },
    Case {
        id: "chains.later-plugins-and-check",
        says: "the interface plugin's CHECK takes the result of the whole list, with the devices and the MTU of later ones",
        source: "CNI spec 2, CHECK: \"must allow for changes made by later plugins\"; P-044",
        of: Of::Plugins(&["bridge", "ptp"]),
        check: |stage| {
            let a = stage.attachment()?;
            let result = run(&a, &["tuning", "bandwidth"])?;
            require!(result["interfaces"].as_array().is_some_and(|all| all.len() > 2), "no device: {result}");
            call(&a, stage.name, "CHECK", Some(&result))?;
            for name in ["bandwidth", "tuning", stage.name] {
                call(&a, name, "DEL", Some(&result))?;
            }
            Ok(())
        },
        broken: r#"heard; on CHECK && has '"bwp' && refuse 11; go"#,
    },
];

/// ADD of the interface plugin and of these after it: the last one's result.
fn run(a: &Attachment<'_>, later: &[&str]) -> Result<Value, Unmet> {
    let mut result = a.add()?;
    for name in later {
        result = call(a, name, "ADD", Some(&result))?;
    }
    Ok(result)
}

/// A call of one plugin of the list, which must succeed.
fn call(a: &Attachment<'_>, name: &str, verb: &str, result: Option<&Value>) -> Result<Value, Unmet> {
    a.stage.wants(name)?;
    let mut conf = if name == a.stage.name { a.conf.clone() } else { keys(a, name) };
    if let Some(result) = result {
        conf["prevResult"] = result.clone();
    }
    let mut call = a.call(verb).stdin(&conf);
    call.plugin = a.stage.plugin(name);
    let answer = a.stage.run(&call);
    answer.success()?;
    if verb == "ADD" { answer.json() } else { Ok(Value::Null) }
}

/// The smallest configuration of a chained plugin, on this attachment's network.
fn keys(a: &Attachment<'_>, name: &str) -> Value {
    let mut conf = json!({ "cniVersion": a.version(), "name": "judged", "type": name });
    let keys = (crate::specimen::of(name).keys)(a.number);
    for (key, value) in keys.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    conf
}
