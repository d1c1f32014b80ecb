//! What differs between two runs of one plugin, told by names: MAC addresses, generated names of links, paths of the machine.

use std::path::Path;

use serde_json::Value;

/// Gives each thing that differs from run to run a name, by the order in which it is met.
#[derive(Debug)]
pub(super) struct Neutral {
    /// The directory that is asked.
    plugins: String,
    /// Each thing and its name.
    met: Vec<(String, String)>,
}

impl Neutral {
    /// For answers of the plugins of this directory.
    pub(super) fn of(plugins: &Path) -> Self {
        Self { plugins: plugins.to_string_lossy().into_owned(), met: Vec::new() }
    }

    /// The value with names in the place of what differs.
    pub(super) fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(list) => list.iter().map(|value| self.value(value)).collect(),
            Value::Object(object) => {
                Value::Object(object.iter().map(|(key, value)| (key.clone(), self.value(value))).collect())
            }
            other => other.clone(),
        }
    }

    /// The same of a text.
    pub(super) fn text(&mut self, text: &str) -> String {
        // A word ends where no MAC, name of a link or path goes on.
        let within = |letter: char| letter.is_ascii_alphanumeric() || "._-:/".contains(letter);
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(within) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|letter| !within(letter)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            out.push_str(before);
            out.push_str(&self.word(word));
            rest = after;
        }
        out + rest
    }

    fn word(&mut self, word: &str) -> String {
        let bare = word.trim_end_matches([':', '.']);
        let ends = &word[bare.len()..];
        if bare == self.plugins {
            return format!("<plugins>{ends}");
        }
        let kind = if is_mac(bare) && bare != "00:00:00:00:00:00" {
            "mac"
        } else if is_generated(bare) {
            "link"
        } else if bare.starts_with("/run/netns/judged") || bare.starts_with("/var/run/netns/judged") {
            "namespace"
        } else {
            return word.to_owned();
        };
        if let Some((_, name)) = self.met.iter().find(|(known, _)| known == bare) {
            return format!("{name}{ends}");
        }
        let number = self.met.iter().filter(|(_, name)| name.starts_with(&format!("<{kind} "))).count() + 1;
        let name = format!("<{kind} {number}>");
        self.met.push((bare.to_owned(), name.clone()));
        name + ends
    }
}

fn is_mac(word: &str) -> bool {
    let bytes: Vec<_> = word.split(':').collect();
    bytes.len() == 6 && bytes.iter().all(|byte| byte.len() == 2 && u8::from_str_radix(byte, 16).is_ok())
}

/// `veth` and some hexadecimal digits, or the device that `bandwidth` makes.
fn is_generated(word: &str) -> bool {
    let digits = word.strip_prefix("veth").or_else(|| word.strip_prefix("bwp"));
    digits.is_some_and(|rest| rest.len() >= 8 && rest.chars().all(|letter| letter.is_ascii_alphanumeric()))
}

#[test]
fn what_differs_has_the_same_name_wherever_it_stands() {
    let mut neutral = Neutral::of(Path::new("/opt/cni/bin"));
    let value = serde_json::json!({
        "mac": "0a:58:0a:4d:00:02", "name": "veth0123abcd", "sandbox": "/run/netns/judged-7",
        "msg": "veth0123abcd: no link of 0a:58:0a:4d:00:02 or 0a:58:0a:4d:00:03.", "lo": "00:00:00:00:00:00",
    });
    let wanted = serde_json::json!({
        "mac": "<mac 1>", "name": "<link 1>", "sandbox": "<namespace 1>",
        "msg": "<link 1>: no link of <mac 1> or <mac 2>.", "lo": "00:00:00:00:00:00",
    });
    assert_eq!(neutral.value(&value), wanted);
    assert_eq!(neutral.text("no x in [/opt/cni/bin]"), "no x in [<plugins>]");
    assert_eq!(neutral.text("10.77.0.2/16 dev eth0 via fd77::1"), "10.77.0.2/16 dev eth0 via fd77::1");
}
