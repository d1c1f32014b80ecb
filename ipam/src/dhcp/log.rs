//! What the daemon tells people, on stderr.

use std::io::Write;

use netstate::Attachment;

/// A line about an attachment.
pub(super) fn line(owner: &Attachment, text: &str) {
    say(&format!("{owner}: {text}"));
}

/// A line.
pub(super) fn say(text: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(std::io::stderr(), "dhcp: {text}");
}
