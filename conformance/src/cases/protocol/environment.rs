//! CNI spec, section 2, "Overview of operations": parameters in the environment.

use crate::call::words;
use crate::case::{Case, Of};
use crate::stage::Stage;
use crate::unmet::{Outcome, fail, require};

/// What each verb can't do without: the specification's table, and what libcni's plugins ask beyond it.
const REQUIRED: [(&str, &[&str]); 5] = [
    ("ADD", &["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]),
    ("DEL", &["CNI_CONTAINERID", "CNI_IFNAME"]),
    ("CHECK", &["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]),
    ("GC", &["CNI_PATH"]),
    ("VERSION", &[]),
];

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "protocol.missing-variable",
        says: "a required variable that is missing is error 4, which names it",
        source: "CNI spec 2, error codes; P-004, P-005",
        of: Of::Every,
        check: missing_variable,
        broken: r#"on DEL && [ -z "${CNI_IFNAME-}" ] && exit 0; real"#,
    },
    Case {
        id: "protocol.all-missing-variables",
        says: "all missing variables are told together",
        source: "libcni skel; P-005",
        of: Of::Every,
        check: all_missing,
        broken: r#"[ -n "${CNI_CONTAINERID-}${CNI_NETNS-}${CNI_IFNAME-}" ] || ! on ADD || export CNI_IFNAME=eth0; real"#,
    },
    Case {
        id: "protocol.container-id",
        says: "a container ID begins with a letter or digit and goes on with those, _, . and -; others are error 4",
        source: "CNI spec 2, CNI_CONTAINERID; P-006",
        of: Of::Every,
        check: container_id,
        broken: "case ${CNI_CONTAINERID-} in _*) CNI_CONTAINERID=x$CNI_CONTAINERID ;; esac; real",
    },
    Case {
        id: "protocol.interface-name",
        says: "an interface name that the kernel can't take is error 4: longer than 15 bytes, ., .., with /, : or blanks",
        source: "CNI spec 2, CNI_IFNAME; P-007",
        of: Of::Every,
        check: interface_name,
        broken: "case ${CNI_IFNAME-} in *:*) CNI_IFNAME=eth0 ;; esac; real",
    },
    Case {
        id: "protocol.unknown-command",
        says: "an unknown CNI_COMMAND is error 4, which names it",
        source: "CNI spec, error codes; P-009",
        of: Of::Every,
        check: unknown_command,
        broken: r#"[ "$CNI_COMMAND" != JUMP ] || exit 0; real"#,
    },
    Case {
        id: "protocol.no-command",
        says: "without CNI_COMMAND a person is told what this is and which versions it knows, on standard error, with exit 0",
        source: "libcni skel; P-010",
        of: Of::Every,
        check: no_command,
        broken: r#"real; code=$?; [ -n "${CNI_COMMAND-}" ] || exit 1; exit "$code""#,
    },
    Case {
        id: "protocol.own-namespace",
        says: "a CNI_NETNS that is the plugin's own is error 8, and nothing but the error is printed",
        source: "libcni skel; P-011, B-29",
        of: Of::Every,
        check: own_namespace,
        broken: r#"case ${CNI_NETNS-} in */self/*) echo '{"cniVersion":"1.0.0"}' ;; esac; real"#,
    },
    Case {
        id: "protocol.diagnostics-on-stdout",
        says: "an error object is on standard output, with cniVersion, code and msg: runtimes drop standard error",
        source: "CNI spec 5, Error; P-002, P-003, P-080, B-33",
        of: Of::Every,
        check: diagnostics,
        broken: r#"out=$(real); code=$?; if [ "$code" = 0 ]; then printf %s "$out"; else printf %s "$out" >&2; fi; exit "$code""#,
    },
];

fn missing_variable(stage: &Stage<'_>) -> Outcome {
    for (verb, required) in REQUIRED {
        if verb == "GC" && stage.knows("1.1.0").is_err() {
            continue;
        }
        for variable in required {
            let error = stage.run(&stage.call(verb).without(variable)).error_of(&[4])?;
            require!(
                words(&error).contains(variable),
                "{verb} without {variable}: the error does not name it: {error}"
            );
        }
    }
    Ok(())
}

fn all_missing(stage: &Stage<'_>) -> Outcome {
    let call = stage.call("ADD").without("CNI_CONTAINERID").without("CNI_NETNS").without("CNI_IFNAME");
    let error = stage.run(&call).error_of(&[4])?;
    for variable in ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"] {
        require!(words(&error).contains(variable), "{variable} is not among them: {error}");
    }
    Ok(())
}

fn container_id(stage: &Stage<'_>) -> Outcome {
    for id in ["-x", "a/b", "a b", "_x", ".", "a\u{e9}"] {
        for verb in ["ADD", "DEL"] {
            stage.run(&stage.call(verb).env("CNI_CONTAINERID", id)).error_of(&[4])?;
        }
    }
    for id in ["A", "0a", "Aa.b_c-1", &"f".repeat(64)] {
        let answer = stage.run(&stage.call("ADD").env("CNI_CONTAINERID", id));
        let refused = answer.error().is_ok_and(|error| error["code"] == 4);
        require!(!refused, "the container ID {id} is a good one, seen: {}", answer.shown());
        // What an address plugin gave is given back.
        stage.run(&stage.call("DEL").env("CNI_CONTAINERID", id));
    }
    Ok(())
}

fn interface_name(stage: &Stage<'_>) -> Outcome {
    for name in ["sixteen-bytes-16", ".", "..", "a/b", "a:b", "a b", "a\tb"] {
        stage.run(&stage.call("ADD").env("CNI_IFNAME", name)).error_of(&[4])?;
    }
    Ok(())
}

fn unknown_command(stage: &Stage<'_>) -> Outcome {
    let error = stage.run(&stage.call("ADD").env("CNI_COMMAND", "JUMP")).error_of(&[4])?;
    require!(words(&error).contains("JUMP"), "the error does not name the command: {error}");
    Ok(())
}

fn no_command(stage: &Stage<'_>) -> Outcome {
    let answer = stage.run(&stage.call("ADD").without("CNI_COMMAND"));
    answer.silent_success()?;
    require!(answer.stderr.contains("0.4.0"), "standard error names no versions: {}", answer.shown());
    Ok(())
}

fn own_namespace(stage: &Stage<'_>) -> Outcome {
    for verb in ["ADD", "DEL"] {
        let call = stage.call(verb).env("CNI_NETNS", "/proc/self/ns/net");
        let answer = stage.run(&call);
        let Ok(_) = answer.json() else {
            fail!("{verb}: more or less than one value is printed: {}", answer.shown())
        };
        answer.error_of(&[8])?;
    }
    Ok(())
}

fn diagnostics(stage: &Stage<'_>) -> Outcome {
    let error = stage.run(&stage.call("ADD").without("CNI_IFNAME")).error()?;
    // The version of a configuration that was not read yet can't be told.
    let bad = stage.call("ADD").env("CNI_IFNAME", "a/b");
    let answer = stage.run(&bad);
    require!(answer.code != 0, "an error was expected, seen: {}", answer.shown());
    require!(error["cniVersion"].is_string(), "an error object without cniVersion: {error}");
    Ok(())
}
