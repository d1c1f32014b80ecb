//! CNI spec, "VERSION", and how a configuration's version binds the answer.

use serde_json::{Value, json};

use super::KNOWN;
use crate::call::words;
use crate::case::{Case, Of};
use crate::specimen::Kind;
use crate::stage::{Stage, VERSIONS};
use crate::unmet::{Outcome, require};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "protocol.version",
        says: "VERSION prints the version it was asked in and the list of those it knows",
        source: "CNI spec 2, VERSION; P-024, P-049, B-32",
        of: Of::Every,
        check: |stage| {
            let versions = stage.versions();
            let asked = versions.first().cloned().unwrap_or_default();
            let call = stage.call("VERSION").stdin(&json!({ "cniVersion": asked }));
            let answer = stage.run(&call);
            answer.success()?;
            let said = answer.json()?;
            require!(!versions.is_empty(), "no supportedVersions: {said}");
            require!(
                said["cniVersion"] == asked.as_str(),
                "asked in {asked}, answered in {}",
                said["cniVersion"]
            );
            Ok(())
        },
        broken: r#"on VERSION || { real; exit; }; says '.cniVersion = "1.1.0"'"#,
    },
    Case {
        id: "protocol.version-without-input",
        says: "VERSION works without standard input, and with what libcni puts into the environment",
        source: "libcni GetVersionInfo; P-024, P-025",
        of: Of::Every,
        check: |stage| {
            let bare = stage.call("VERSION").stdin("").without("CNI_PATH").without("CNI_CONTAINERID");
            stage.run(&bare.without("CNI_NETNS").without("CNI_IFNAME")).success()?;
            let dummy = stage.call("VERSION").stdin(&json!({ "cniVersion": "1.1.0" }));
            let dummy = dummy.env("CNI_NETNS", "dummy").env("CNI_IFNAME", "dummy").env("CNI_PATH", "dummy");
            stage.run(&dummy.env("CNI_CONTAINERID", "")).success()
        },
        broken: r#"heard; on VERSION && [ -z "$in" ] && refuse 6; go"#,
    },
    Case {
        id: "protocol.unsupported-version",
        says: "a configuration of a version that is not supported is error 1, for every verb",
        source: "CNI spec, error codes; P-021",
        of: Of::Every,
        check: |stage| {
            for verb in ["ADD", "DEL", "CHECK", "GC", "STATUS"] {
                if matches!(verb, "GC" | "STATUS") && stage.knows("1.1.0").is_err() {
                    continue;
                }
                let mut conf = stage.whole_conf("9.9.9");
                conf["prevResult"] = json!({ "cniVersion": "9.9.9" });
                stage.run(&stage.call(verb).stdin(&conf)).error_of(&[1])?;
            }
            Ok(())
        },
        broken: r#"on DEL || { real; exit; }; hears 'if .cniVersion == "9.9.9" then .cniVersion = "1.0.0" | del(.prevResult) else . end'"#,
    },
    Case {
        id: "protocol.unreadable-version",
        says: "a version that can't be read is an error, with code 1 or 6",
        source: "libcni skel; P-022",
        of: Of::Every,
        check: |stage| {
            for (verb, version) in [("CHECK", "one"), ("ADD", "1.x.0"), ("DEL", "1")] {
                stage.run(&stage.call(verb).stdin(&stage.whole_conf(version))).error_of(&[1, 6])?;
            }
            Ok(())
        },
        broken: r#"hears 'if .cniVersion == "1.x.0" then .cniVersion = "1.0.0" else . end'"#,
    },
    Case {
        id: "protocol.verbs-by-version",
        says: "CHECK before 0.4.0, GC and STATUS before 1.1.0 are error 1",
        source: "CNI spec 1.1.0; P-023",
        of: Of::Every,
        check: |stage| {
            stage.run(&stage.call("CHECK").stdin(&stage.whole_conf("0.3.1"))).error_of(&[1])?;
            if stage.knows("1.1.0").is_ok() {
                for verb in ["GC", "STATUS"] {
                    stage.run(&stage.call(verb).stdin(&stage.whole_conf("1.0.0"))).error_of(&[1])?;
                }
            }
            Ok(())
        },
        broken: r#"heard; on CHECK && has '"cniVersion":"0.3.1"' && exit 0; go"#,
    },
    Case {
        id: "protocol.every-version",
        says: "ADD answers in the configuration's version, in each version that VERSION names",
        source: "CNI spec 2, ADD; P-026, P-027, P-071, P-072, P-075",
        of: Of::Kinds(KNOWN),
        check: every_version,
        broken: r#"on ADD || { real; exit; }; says 'if .cniVersion == "0.3.1" then .cniVersion = "0.3.0" else . end'"#,
    },
    Case {
        id: "protocol.no-version",
        says: "a configuration without cniVersion is one of 0.1.0",
        source: "libcni; P-020",
        of: Of::Kinds(&[Kind::Interface, Kind::Ipam]),
        check: |stage| {
            stage.knows("0.1.0")?;
            let a = stage.attachment_in("0.1.0")?.without("cniVersion");
            let result = a.add()?;
            require!(result["ips"].is_null(), "0.1.0 has no `ips`: {result}");
            require!(result["cniVersion"] != "1.0.0", "the answer is not in 0.1.0: {result}");
            a.del()
        },
        broken: r#"jq -c '.cniVersion //= "1.0.0"' | real"#,
    },
    Case {
        id: "protocol.del-before-0.4.0",
        says: "DEL in 0.3.1, which knows no prevResult for it, takes away what ADD made",
        source: "CNI spec 0.3.1; containerd's loopback; R-3, P-035",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            stage.knows("0.3.1")?;
            let a = stage.attachment_in("0.3.1")?;
            a.add()?;
            a.del()
        },
        broken: r#"heard; on DEL && has '"0.3.1"' && refuse 7; go"#,
    },
    Case {
        id: "protocol.version-error-says-which",
        says: "the error about a version names the version asked for and those that are known",
        source: "libcni; P-021",
        of: Of::Every,
        check: |stage| {
            let error = stage.run(&stage.call("ADD").stdin(&stage.whole_conf("9.9.9"))).error_of(&[1])?;
            let words = words(&error);
            require!(words.contains("9.9.9") && words.contains("1.0.0"), "it names neither or one: {error}");
            Ok(())
        },
        broken: r#"says 'if .code == 1 then del(.details) | .msg = "no" else . end'"#,
    },
];

fn every_version(stage: &Stage<'_>) -> Outcome {
    let chained = stage.specimen.kind == Kind::Chained;
    for version in stage.versions() {
        let Some(place) = VERSIONS.iter().position(|known| *known == version) else { continue };
        if chained && place < 2 {
            continue;
        }
        let a = stage.attachment_in(version)?;
        let result = a.add()?;
        require!(
            result["cniVersion"] == version.as_str(),
            "in {version} the answer says {}",
            result["cniVersion"]
        );
        shape(version, &result)?;
        a.del()?;
    }
    Ok(())
}

/// The fields that a result of this version has and has not.
fn shape(version: &str, result: &Value) -> Outcome {
    if version < "0.3.0" {
        for later in ["ips", "interfaces", "routes"] {
            require!(result[later].is_null(), "{version} has no {later:?}: {result}");
        }
        let address = ["ip4", "ip6"].iter().any(|family| result[family]["ip"].is_string());
        require!(address, "{version} without an address: {result}");
        return Ok(());
    }
    require!(result["ip4"].is_null() && result["ip6"].is_null(), "{version} has no ip4, ip6: {result}");
    for ip in result["ips"].as_array().into_iter().flatten() {
        let with = matches!(ip["version"].as_str(), Some("4" | "6"));
        require!(
            with == version.starts_with("0."),
            "`ips[].version` is 0.3.0's to 0.4.0's alone: {ip} in {version}"
        );
    }
    for interface in result["interfaces"].as_array().into_iter().flatten() {
        require!(interface["name"].is_string(), "an interface has a name: {interface}");
        let later = version < "1.1.0" && (interface["mtu"].is_number() && version.starts_with("0."));
        require!(!later, "`mtu` came with 1.1.0: {interface} in {version}");
    }
    Ok(())
}
