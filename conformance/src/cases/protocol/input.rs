//! CNI spec, section 3: the configuration on standard input, as Go's decoder reads it.

use serde_json::{Value, json};

use super::KNOWN;
use crate::case::{Case, Of};
use crate::unmet::require;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "protocol.input-is-an-object",
        says: "standard input that is no JSON object is error 6",
        source: "CNI spec, error codes; P-008",
        of: Of::Every,
        check: |stage| {
            for text in ["", "{", "[]", "42", "\"text\"", "{} trailing {"] {
                stage.run(&stage.call("ADD").stdin(&text)).error_of(&[6])?;
            }
            Ok(())
        },
        broken: r#"heard; [ "$in" != '[]' ] || in='{}'; go"#,
    },
    Case {
        id: "protocol.network-name",
        says: "a network name that is missing or has other letters than A-Z a-z 0-9 _ . - is error 7",
        source: "CNI spec 1, name; P-008, P-032",
        of: Of::Every,
        check: |stage| {
            for name in [Value::Null, json!(""), json!("a/b"), json!("../x"), json!("a b"), json!("-x")] {
                let mut conf = stage.whole_conf("1.0.0");
                conf["name"] = name;
                stage.run(&stage.call("ADD").stdin(&conf)).error_of(&[7])?;
            }
            Ok(())
        },
        broken: r#"hears 'if .name == "a b" then .name = "a" else . end'"#,
    },
    Case {
        id: "protocol.unknown-keys",
        says: "unknown keys, capabilities and the reserved cni.dev/ keys don't disturb a plugin",
        source: "CNI spec 1; P-028, P-030, P-031",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?.with(&json!({
                "somethingNew": { "deep": [1, null, "x"] },
                "cni.dev/valid-attachments": [], "cni.dev/attachments": [], "cni.dev/future": { "a": 1 },
                "labels": { "k": "v" },
            }));
            a.add()?;
            a.del()
        },
        broken: "heard; has somethingNew && refuse 7; go",
    },
    Case {
        id: "protocol.keys-in-any-case",
        says: "keys are found in any case of their letters, as Go's decoder finds them",
        source: "encoding/json, on which containerd's capitalised keys rely; P-033, P-060",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let mut a = stage.attachment()?;
            a.conf = capitalised(&a.conf);
            let mut conf = a.conf.clone();
            if let Some(before) = &a.before {
                conf["PrevResult"] = before.clone();
            }
            let answer = stage.run(&a.call("ADD").stdin(&conf));
            answer.success()?;
            a.del()
        },
        broken: r#"heard; has '"CniVersion"' && refuse 7; go"#,
    },
    Case {
        id: "protocol.null-is-absent",
        says: "null is as good as absent, for a key of any type",
        source: "encoding/json; P-033",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let nothing = json!({
                "dns": null, "args": null, "capabilities": null, "ipMasq": null, "mtu": null, "mac": null, "vlan": null,
            });
            let mut a = stage.attachment()?;
            for (key, value) in nothing.as_object().into_iter().flatten() {
                if a.conf.get(key).is_none() {
                    a.conf[key] = value.clone();
                }
            }
            a.add()?;
            a.del()
        },
        broken: r#"heard; has '":null' && refuse 7; go"#,
    },
    Case {
        id: "protocol.last-duplicate-wins",
        says: "of a key that stands twice the last one counts",
        source: "encoding/json; P-033",
        of: Of::Every,
        check: |stage| {
            let conf = stage.whole_conf("1.0.0").to_string().replacen('{', r#"{"name":"a/b","#, 1);
            let good = stage.run(&stage.call("ADD").stdin(&conf));
            let refused =
                good.error().is_ok_and(|error| error["code"] == 7 && error.to_string().contains("a/b"));
            require!(!refused, "the first of two names counted: {}", good.shown());
            stage.run(&stage.call("DEL"));
            let conf = stage.whole_conf("1.0.0").to_string();
            let conf =
                format!("{},\"name\":\"a/b\"}}", conf.trim_end_matches('}').to_owned() + &closing(&conf));
            stage.run(&stage.call("ADD").stdin(&conf)).error_of(&[7])?;
            Ok(())
        },
        broken: r#"sed 's|,"name":"[^"]*"}$|}|' | real"#,
    },
    Case {
        id: "protocol.types-are-strict",
        says: "a value of another type than its key wants is refused, with code 6 or 7",
        source: "encoding/json; P-033; CNI spec, error codes",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            let call = a.call("ADD");
            let wrong = [("name", json!(5)), ("cniVersion", json!(1.0)), ("ipam", json!("host-local"))];
            for (key, value) in wrong {
                let mut conf: Value = serde_json::from_str(&call.stdin).unwrap_or_default();
                conf[key] = value;
                stage.run(&call.clone().stdin(&conf)).error_of(&[6, 7, 999])?;
            }
            a.run("DEL");
            Ok(())
        },
        broken: r#"hears '.name |= if type == "number" then tostring else . end'"#,
    },
    Case {
        id: "protocol.runtimes-args",
        says: "the CNI_ARGS that containerd and CRI-O send with every call don't disturb a plugin",
        source: "containerd, CRI-O; P-062",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            let args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;\
                        K8S_POD_INFRA_CONTAINER_ID=0123456789abcdef;K8S_POD_UID=7f5a";
            stage.run(&a.call("ADD").env("CNI_ARGS", args)).success()?;
            stage.run(&a.call("DEL").env("CNI_ARGS", args)).silent_success()
        },
        broken: "case ${CNI_ARGS-} in *K8S*) refuse 4 ;; esac; real",
    },
];

/// The closing braces that a text ends with, but for its own.
fn closing(text: &str) -> String {
    let all = text.len() - text.trim_end_matches('}').len();
    "}".repeat(all - 1)
}

/// The same configuration with each top level key beginning with a capital letter.
fn capitalised(conf: &Value) -> Value {
    let capital = |key: &str| {
        let (first, rest) = key.split_at(1);
        first.to_uppercase() + rest
    };
    let object = conf.as_object().into_iter().flatten();
    Value::Object(object.map(|(key, value)| (capital(key), value.clone())).collect())
}
