//! CNI spec 2, STATUS and GC: what a runtime asks of no container.

use serde_json::json;

use super::KNOWN;
use crate::case::{Case, Of};

pub(crate) const CASES: &[Case] = &[
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
        broken: "on STATUS && refuse 50; real",
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
        broken: "heard; remember; on GC && end_all .; go",
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
        broken: "heard; remember; on GC && ! has valid-attachments && end_all .; go",
    },
];
