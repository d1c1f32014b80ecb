//! An IPAM plugin of the judge's own, to see what a delegate is given: a shell script that writes down each call.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

/// Its name as a `type`.
pub(crate) const NAME: &str = "judges-ipam";

/// Writes each call down, then answers what it was told to, or the next address.
const SCRIPT: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
cat >"$CNI_COMMAND.stdin"
env >"$CNI_COMMAND.env"
echo "$CNI_COMMAND" >>calls
echo "a word on standard error" >&2
if [ -f "$CNI_COMMAND.fails" ]; then cat "$CNI_COMMAND.fails"; exit 1; fi
[ "$CNI_COMMAND" != ADD ] || cat answer
"#;

/// A directory that holds it.
#[derive(Debug)]
pub(crate) struct StandIn(sandbox::Directory);

impl StandIn {
    /// In this directory of the node's. It answers ADD with `10.77.0.2/16`.
    pub(crate) fn at(directory: sandbox::Directory) -> Self {
        let script = directory.join(NAME);
        fs::write(&script, SCRIPT).expect("the node's own directory");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("the node's own file");
        let standin = Self(directory);
        standin.answers(&json!({
            "cniVersion": "1.0.0",
            "ips": [{ "address": "10.77.0.2/16", "gateway": "10.77.0.1" }],
        }));
        standin
    }

    /// What ADD answers from now on.
    pub(crate) fn answers(&self, result: &Value) {
        fs::write(self.0.join("answer"), result.to_string()).expect("the node's own file");
    }

    /// This verb fails from now on, with this error object.
    pub(crate) fn fails(&self, verb: &str, error: &Value) {
        fs::write(self.0.join(&format!("{verb}.fails")), error.to_string()).expect("the node's own file");
    }

    /// The verbs that it was called with, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.0.join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// The last environment of this verb, a line each; empty where it was not called.
    pub(crate) fn environment(&self, verb: &str) -> String {
        fs::read_to_string(self.0.join(&format!("{verb}.env"))).unwrap_or_default()
    }

    /// The last standard input of this verb; null where it was not called.
    pub(crate) fn stdin(&self, verb: &str) -> Value {
        let text = fs::read_to_string(self.0.join(&format!("{verb}.stdin"))).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Where it is.
    pub(crate) fn directory(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}
