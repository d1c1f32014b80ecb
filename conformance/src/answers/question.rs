//! What is asked: a life in every version, each plugin's keys, and calls that must fail.

use std::cell::Cell;
use std::collections::BTreeMap;

use sandbox::Node;
use serde_json::{Value, json};

use super::keys::{Keys, of};
use super::neutral::Neutral;
use crate::attachment::Attachment;
use crate::call::{Answer, Call};
use crate::directory::Directory;
use crate::options::Extent;
use crate::specimen::Kind;
use crate::stage::{Stage, VERSIONS};

/// In which version keys are asked.
const KEYS_IN: &str = "1.1.0";

/// A call that fails before it looks at a container: what is asked, the verb, what is changed about a whole call.
type Refused = (&'static str, &'static str, fn(Call) -> Call);

const REFUSED: &[Refused] = &[
    ("an unknown command", "JUMP", |call| call),
    ("without CNI_CONTAINERID", "ADD", |call| call.without("CNI_CONTAINERID")),
    ("without CNI_NETNS", "ADD", |call| call.without("CNI_NETNS")),
    ("without CNI_IFNAME and CNI_PATH", "CHECK", |call| call.without("CNI_IFNAME").without("CNI_PATH")),
    ("container ID _x", "ADD", |call| call.env("CNI_CONTAINERID", "_x")),
    ("an interface name that is too long", "ADD", |call| call.env("CNI_IFNAME", "a-name-of-16-let")),
    ("interface name a/b", "DEL", |call| call.env("CNI_IFNAME", "a/b")),
    ("input that is empty", "ADD", |call| call.stdin("")),
    ("input that is cut off", "ADD", |call| call.stdin("{\"cniVersion\": \"1.0.0\", ")),
    ("input that is a list", "ADD", |call| call.stdin("[]")),
    ("version 9.9.9", "ADD", |call| set(call, "cniVersion", &json!("9.9.9"))),
    ("version x", "ADD", |call| set(call, "cniVersion", &json!("x"))),
    ("a network without a name", "ADD", |call| set(call, "name", &json!(""))),
    ("network name a/b", "ADD", |call| set(call, "name", &json!("a/b"))),
    ("CHECK in 0.3.1", "CHECK", |call| set(call, "cniVersion", &json!("0.3.1"))),
    ("GC in 1.0.0", "GC", |call| set(call, "cniVersion", &json!("1.0.0"))),
    ("STATUS in 1.0.0", "STATUS", |call| set(call, "cniVersion", &json!("1.0.0"))),
    ("a namespace that is not there", "ADD", |call| call),
    ("DEL in a namespace that is not there", "DEL", |call| call),
    ("the plugin's own namespace", "ADD", |call| call.env("CNI_NETNS", "/proc/self/ns/net")),
    ("VERSION", "VERSION", |call| call),
    ("STATUS", "STATUS", |call| call),
    ("GC of an empty list", "GC", |call| set(call, "cni.dev/valid-attachments", &json!([]))),
];

/// All answers of one plugin, on a node of its own.
pub(super) fn all(directory: &Directory, name: &str) -> BTreeMap<String, Value> {
    let (node, count) = (Node::enter(), Cell::new(0));
    let neutral = || Neutral::of(&directory.path);
    let stage = Stage::new(&node, (&directory.path, name), &count, Extent::Sample);
    let mut answers = BTreeMap::new();
    for (question, verb, change) in REFUSED {
        let answer = stage.run(&change(stage.call(verb)));
        answers.insert(format!("error: {question}"), said(&answer, &mut neutral()));
    }
    for version in VERSIONS {
        life(&stage, (version, version), &json!({}), (&mut answers, neutral()));
    }
    for Keys { name, keys } in of(stage.name) {
        life(&stage, (KEYS_IN, name), &keys(), (&mut answers, neutral()));
    }
    answers
}

/// What the plugin says that it is.
pub(super) fn version(directory: &Directory, name: &str) -> String {
    let call = Call { plugin: directory.path.join(name), environment: BTreeMap::new(), stdin: String::new() };
    let words = call.run().stderr;
    let version = words.lines().next().and_then(|line| line.rsplit(' ').next());
    version.unwrap_or_default().to_owned()
}

/// ADD, CHECK and DEL of one attachment; nothing where this kernel lacks its link.
fn life(stage: &Stage<'_>, of: (&str, &str), keys: &Value, to: (&mut BTreeMap<String, Value>, Neutral)) {
    let ((version, question), (answers, mut neutral)) = (of, to);
    let Ok(a) = stage.attachment_in(version) else { return };
    let a = with(a, keys);
    let mut note = |verb: &str, answer: &Answer| {
        answers.insert(format!("{verb}: {question}"), said(answer, &mut neutral));
    };
    let added = stage.run(&a.call("ADD"));
    note("ADD", &added);
    let result = serde_json::from_str::<Value>(&added.stdout).ok().filter(|_| added.code == 0);
    let since = VERSIONS.iter().position(|known| *known == version);
    let carries = since >= VERSIONS.iter().position(|known| *known == "0.4.0");
    let call = |verb: &str| {
        let mut conf = a.sent(verb);
        if let Some(result) = result.as_ref().filter(|_| carries) {
            conf["prevResult"] = result.clone();
        }
        a.call(verb).stdin(&conf)
    };
    if carries && result.is_some() {
        note("CHECK", &stage.run(&call("CHECK")));
    }
    note("DEL", &stage.run(&call("DEL")));
}

/// Sets keys, of an IPAM plugin in its `ipam`; null takes a key away. Addresses begin anew with each attachment.
fn with<'s>(mut a: Attachment<'s>, keys: &Value) -> Attachment<'s> {
    let place = format!("/run/answers/{}", a.number);
    let ipam = a.stage.specimen.kind == Kind::Ipam;
    for (key, value) in keys.as_object().into_iter().flatten() {
        let object = if ipam { &mut a.conf["ipam"] } else { &mut a.conf };
        if value.is_null() {
            object.as_object_mut().map(|object| object.shift_remove(key));
        } else {
            object[key] = value.clone();
        }
    }
    if a.conf["ipam"]["type"] == "host-local" {
        a.conf["ipam"]["dataDir"] = json!(place);
    }
    a
}

/// An answer as it is recorded: how it exits, and what it prints. Of an error, not its details, which are for people.
fn said(answer: &Answer, neutral: &mut Neutral) -> Value {
    let mut said = json!({ "exit": answer.code });
    match serde_json::from_str::<Value>(&answer.stdout) {
        Ok(error) if answer.code != 0 => {
            let mut kept = json!({});
            for key in ["cniVersion", "code", "msg"] {
                if let Some(value) = error.get(key) {
                    kept[key] = neutral.value(value);
                }
            }
            said["error"] = kept;
        }
        Ok(result) => said["result"] = neutral.value(&result),
        Err(_) if answer.stdout.trim().is_empty() => {}
        Err(_) => said["text"] = json!(neutral.text(answer.stdout.trim())),
    }
    said
}

fn set(call: Call, key: &str, value: &Value) -> Call {
    let mut conf: Value = serde_json::from_str(&call.stdin).unwrap_or_default();
    conf[key] = value.clone();
    call.stdin(&conf)
}
