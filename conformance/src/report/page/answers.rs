//! Where a directory's answers differ from the reference's, by reason.

use std::fmt::Write;

use serde_json::Value;

use super::text;
use crate::report::escaped;

/// Beneath the table.
pub(super) fn section(report: &Value) -> String {
    let answers = &report["answers"];
    let all: Vec<_> = answers["differences"].as_array().into_iter().flatten().collect();
    let mut reasons: Vec<&Value> = Vec::new();
    for found in &all {
        if !reasons.contains(&&found["because"]) {
            reasons.push(&found["because"]);
        }
    }
    // What nobody explains comes first.
    reasons.sort_by_key(|because| !because.is_null());
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = writeln!(
        out,
        "<section class=\"answers\"><h2>{} beside the answers of {}</h2>\n<p>{} answers compared; {} values differ. \
         Recorded and not asked here: {}; asked and not recorded: {}.</p>",
        escaped(text(&report["name"])),
        escaped(text(&answers["version"])),
        answers["compared"],
        all.len(),
        answers["unasked"],
        answers["unrecorded"]
    );
    for idle in answers["idle reasons"].as_array().into_iter().flatten() {
        let _ = writeln!(
            out,
            "<p class=\"reason\"><b class=\"fail\">fail</b> explains nothing: {}</p>",
            escaped(text(idle))
        );
    }
    for because in reasons {
        let of: Vec<_> = all.iter().filter(|found| found["because"] == *because).collect();
        let (class, word) = if because.is_null() { ("fail", "no reason") } else { ("wanted", text(because)) };
        let _ = writeln!(
            out,
            "<details><summary><b class=\"{class}\">{}</b> {}</summary>\n<div class=\"wide\" role=\"region\" aria-label=\"differences\" tabindex=\"0\">\
             <table class=\"values\"><thead><tr><th>plugin</th><th>asked</th><th>at</th><th>recorded</th><th>here</th></tr></thead><tbody>",
            of.len(),
            escaped(word)
        );
        for found in of {
            out += "<tr>";
            for key in ["plugin", "question", "at", "reference", "ours"] {
                out.extend(["<td>", &escaped(text(&found[key])), "</td>"]);
            }
            out += "</tr>\n";
        }
        out += "</tbody></table></div></details>\n";
    }
    out + "</section>\n"
}
