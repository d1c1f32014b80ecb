//! The files: answers, one a line, so that a change of one is a change of a line; and reasons.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Answers, Reason, Said};

/// A file can't be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// The kernel's reason.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// It is not what was written.
    #[error("{}: {what}", path.display())]
    Shape { path: PathBuf, what: String },
}

impl Answers {
    /// As a file has it.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{{\"version\": {}, \"kernel\": {}, \"answers\": {{",
            json!(self.version),
            json!(self.kernel)
        );
        let mut plugins = self.said.iter().peekable();
        while let Some((plugin, answers)) = plugins.next() {
            // Writing to a string can't fail.
            let _ = write!(text, "\n{}: {{", json!(plugin));
            let mut answers = answers.iter().peekable();
            while let Some((question, answer)) = answers.next() {
                let comma = if answers.peek().is_some() { "," } else { "" };
                let _ = write!(text, "\n  {}: {answer}{comma}", json!(question));
            }
            text += if plugins.peek().is_some() { "\n}," } else { "\n}" };
        }
        text + "\n}}\n"
    }

    /// Writes it.
    pub(crate) fn write(&self, path: &Path) -> Result<(), RecordError> {
        fs::write(path, self.text()).map_err(|source| RecordError::File { path: path.to_owned(), source })
    }

    /// Reads it again.
    pub(crate) fn read(path: &Path) -> Result<Self, RecordError> {
        let value = value(path)?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let said: Said = object(&value["answers"])
            .into_iter()
            .map(|(plugin, answers)| (plugin, object(&answers).into_iter().collect()))
            .collect();
        if said.is_empty() {
            return Err(RecordError::Shape { path: path.to_owned(), what: "no answers".to_owned() });
        }
        Ok(Self { version: text("version"), kernel: text("kernel"), said })
    }
}

/// Reads reasons: a list of objects, each with the text `because` and, in `of`, what it is about, a text for each: plugins,
/// question, place and what stands there now, with `|` between them.
pub(super) fn reasons(path: &Path) -> Result<Vec<Reason>, RecordError> {
    let shape = |what: String| RecordError::Shape { path: path.to_owned(), what };
    let value = value(path)?;
    let mut reasons = Vec::new();
    for entry in value.as_array().ok_or_else(|| shape("not a list".to_owned()))? {
        let because = entry["because"].as_str().filter(|text| !text.is_empty());
        let because = because.ok_or_else(|| shape(format!("no `because` in {entry}")))?;
        let about = entry["of"].as_array().filter(|about| !about.is_empty());
        for line in about.ok_or_else(|| shape(format!("no `of` in {entry}")))? {
            let parts: Vec<_> = line.as_str().unwrap_or_default().splitn(4, " | ").collect();
            let [plugins, questions, at, ours] = parts[..] else {
                return Err(shape(format!("{line} has no four parts")));
            };
            let [plugins, questions, at, ours] = [plugins, questions, at, ours].map(str::to_owned);
            reasons.push(Reason { plugins, questions, at, ours, because: because.to_owned() });
        }
    }
    Ok(reasons)
}

fn value(path: &Path) -> Result<Value, RecordError> {
    let text =
        fs::read_to_string(path).map_err(|source| RecordError::File { path: path.to_owned(), source })?;
    serde_json::from_str(&text)
        .map_err(|error| RecordError::Shape { path: path.to_owned(), what: error.to_string() })
}

#[test]
fn answers_are_read_as_they_were_written() {
    let said = |answers: &[(&str, Value)]| {
        answers.iter().map(|(question, answer)| ((*question).to_owned(), answer.clone())).collect()
    };
    let answers = Answers {
        version: "v1.9.1".to_owned(),
        kernel: "6.18".to_owned(),
        said: Said::from([
            (
                "bridge".to_owned(),
                said(&[("ADD \"x\"", json!({ "exit": 0 })), ("DEL", json!({ "exit": 1 }))]),
            ),
            ("ptp".to_owned(), said(&[("ADD", json!({ "exit": 0, "result": { "ips": [] } }))])),
        ]),
    };
    let path = std::env::temp_dir().join(format!("conformance-answers-{}", std::process::id()));
    answers.write(&path).expect("a file for a moment");
    let read = Answers::read(&path).expect("what was written");
    fs::remove_file(&path).expect("the file of this test");
    assert_eq!(read, answers);
}
