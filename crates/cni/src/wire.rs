//! How results are written, a module for each shape that the versions of the specification gave them.

pub(crate) mod v020;
pub(crate) mod v040;
pub(crate) mod v100;

use serde::Serialize;
use serde_json::ser::PrettyFormatter;

/// The text as the reference prints it: indented by four spaces, no newline at the end.
///
/// # Panics
/// Never: our wire types have text keys, and a vector takes every byte.
pub(crate) fn text(value: &impl Serialize) -> String {
    let mut bytes = Vec::with_capacity(512);
    let mut writer =
        serde_json::Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b"    "));
    value.serialize(&mut writer).expect("a vector takes every byte");
    String::from_utf8(bytes).expect("serde_json writes UTF-8")
}
