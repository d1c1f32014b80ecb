//! JSON as Go's `encoding/json` writes a map that it has read: numbers are 64-bit floats, and what HTML reads otherwise
//! is escaped. Keys come in the order in which they stand here.

use serde_json::{Number, Value};

/// The text.
pub(super) fn text(value: &Value) -> String {
    let mut text = String::with_capacity(1024);
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null | Value::Bool(_) => *text += &value.to_string(),
        Value::Number(shown) => *text += &number(shown),
        Value::String(shown) => *text += &string(shown),
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                *text += if index == 0 { "" } else { "," };
                write(value, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                *text += if index == 0 { "" } else { "," };
                *text += &string(key);
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
    }
}

/// None of these stands anywhere but in a string.
const ESCAPED: [(char, &str); 5] =
    [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];

fn string(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    ESCAPED.iter().fold(quoted, |text, (char, escape)| text.replace(*char, escape))
}

/// The fewest digits that tell the number from its neighbours, as in ECMAScript.
fn number(number: &Number) -> String {
    let Some(float) = number.as_f64() else { return number.to_string() };
    if float == 0.0 || (1e-6..1e21).contains(&float.abs()) {
        return float.to_string();
    }
    let text = format!("{float:e}");
    if text.contains("e-") { text } else { text.replace('e', "e+") }
}

#[cfg(test)]
mod tests {
    // What flannel's own plugin wrote for these.
    #[test]
    fn numbers_and_strings_look_as_go_writes_them() {
        for (read, written) in [
            ("12345678901234567890", "12345678901234567000"),
            ("1e21", "1e+21"),
            ("1e-7", "1e-7"),
            ("0.000001", "0.000001"),
            ("-0", "-0"),
            ("1.50", "1.5"),
            ("1450", "1450"),
            (r#""<&>\u2028\u0001\b\u007f\/é""#, "\"\\u003c\\u0026\\u003e\\u2028\\u0001\\b\u{7f}/é\""),
            (r#"[{"b":null,"a":[]},true,{}]"#, r#"[{"b":null,"a":[]},true,{}]"#),
        ] {
            assert_eq!(super::text(&serde_json::from_str(read).unwrap()), written);
        }
    }
}
