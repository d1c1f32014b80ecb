//! Differences between two directories' answers, value by value, and the reasons for them.

use std::fmt;

use serde_json::Value;

use super::Answers;

/// One value that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) plugin: String,
    pub(crate) question: String,
    /// Where in the answer: keys and indexes with dots between them.
    pub(crate) at: String,
    /// What the reference has there; `nothing` where it has nothing.
    pub(crate) reference: String,
    /// What the other directory has there.
    pub(crate) ours: String,
    /// Why, by the number of a reason.
    pub(crate) reason: Option<usize>,
}

/// Why some differences are wanted: which, and why. In the first four texts a `*` stands for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// Plugins, with blanks between them.
    pub(crate) plugins: String,
    pub(crate) questions: String,
    pub(crate) at: String,
    /// What stands there now: another difference at this place is another difference.
    pub(crate) ours: String,
    pub(crate) because: String,
}

/// All that came of comparing.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// The release whose answers are recorded.
    pub(crate) version: String,
    /// How many answers were compared.
    pub(crate) compared: usize,
    /// Recorded, and not asked here: a plugin that is not there, or a link that this kernel lacks.
    pub(crate) unasked: usize,
    /// Asked, and not recorded: the kernel of the record lacked a link.
    pub(crate) unrecorded: usize,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) differences: Vec<Difference>,
}

impl Comparison {
    /// What one directory says beside what is recorded.
    pub(super) fn of(recorded: &Answers, other: &Answers, reasons: &[Reason]) -> Self {
        let mut comparison = Self {
            version: recorded.version.clone(),
            compared: 0,
            unasked: 0,
            unrecorded: 0,
            reasons: reasons.to_vec(),
            differences: Vec::new(),
        };
        for (plugin, answers) in &recorded.said {
            let ours = other.said.get(plugin);
            for (question, answer) in answers {
                let Some(other) = ours.and_then(|ours| ours.get(question)) else {
                    // No CHECK follows an ADD that failed, and that one differs already.
                    let add = question.strip_prefix("CHECK: ").map(|rest| format!("ADD: {rest}"));
                    let follows = add.is_some_and(|add| ours.is_some_and(|ours| ours.contains_key(&add)));
                    comparison.unasked += usize::from(!follows);
                    continue;
                };
                comparison.compared += 1;
                let mut found = Vec::new();
                differ(answer, other, String::new(), &mut found);
                for (at, reference, ours) in found {
                    let difference = Difference {
                        plugin: plugin.clone(),
                        question: question.clone(),
                        at,
                        reference,
                        ours,
                        reason: None,
                    };
                    comparison.differences.push(difference);
                }
            }
        }
        let known = |plugin: &String, question: &String| {
            recorded.said.get(plugin).is_some_and(|answers| answers.contains_key(question))
        };
        for (plugin, answers) in &other.said {
            comparison.unrecorded += answers.keys().filter(|question| !known(plugin, question)).count();
        }
        for difference in &mut comparison.differences {
            difference.reason = reasons.iter().position(|reason| reason.fits(difference));
        }
        comparison
    }

    /// Differences without a reason.
    pub(crate) fn unexplained(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| difference.reason.is_none())
    }

    /// Differences of this reason.
    pub(crate) fn explained(&self, reason: usize) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(move |difference| difference.reason == Some(reason))
    }

    /// Reasons that explain nothing. None is called so where answers are missing that it could be about.
    pub(crate) fn idle(&self) -> Vec<&Reason> {
        if self.unasked > 0 {
            return Vec::new();
        }
        let numbered = self.reasons.iter().enumerate();
        numbered
            .filter(|(number, _)| self.explained(*number).next().is_none())
            .map(|(_, reason)| reason)
            .collect()
    }

    /// Is each difference explained, and does each reason explain one?
    pub(crate) fn holds(&self) -> bool {
        self.unexplained().next().is_none() && self.idle().is_empty()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} | {} | {} | {}", self.plugins, self.questions, self.at, self.ours)
    }
}

impl Reason {
    fn fits(&self, difference: &Difference) -> bool {
        self.plugins.split(' ').any(|plugin| matches(plugin, &difference.plugin))
            && matches(&self.questions, &difference.question)
            && matches(&self.at, &difference.at)
            && matches(&self.ours, &difference.ours)
    }
}

/// Every value at which two answers differ: where, the one, the other.
fn differ(one: &Value, other: &Value, at: String, found: &mut Vec<(String, String, String)>) {
    let below = |at: &str, key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let more = other.keys().filter(|key| !one.contains_key(*key));
            for key in one.keys().chain(more) {
                compare(one.get(key), other.get(key), below(&at, key), found);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for index in 0..one.len().max(other.len()) {
                compare(one.get(index), other.get(index), below(&at, &index.to_string()), found);
            }
        }
        (one, other) if one == other => {}
        (one, other) => found.push((at, shown(one), shown(other))),
    }
}

/// The same where either may be missing.
fn compare(
    one: Option<&Value>,
    other: Option<&Value>,
    at: String,
    found: &mut Vec<(String, String, String)>,
) {
    let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), shown);
    match (one, other) {
        (Some(one), Some(other)) => differ(one, other, at, found),
        _ => found.push((at, text(one), text(other))),
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Does the text look like the pattern, in which each `*` stands for anything?
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answers(answer: &Value) -> Answers {
        let said = [("bridge".to_owned(), [("ADD".to_owned(), answer.clone())].into())].into();
        Answers { version: "v1".to_owned(), kernel: String::new(), said }
    }

    fn reason(at: &str, ours: &str) -> Reason {
        let [plugins, questions, at, ours] = ["ptp bridge", "A*", at, ours].map(str::to_owned);
        Reason { plugins, questions, at, ours, because: "we want it".to_owned() }
    }

    #[test]
    fn a_difference_without_a_reason_fails_and_one_with_it_does_not() {
        let reference = answers(&json!({ "exit": 0, "result": { "ips": [1, 2] } }));
        let ours = answers(&json!({ "exit": 0, "result": { "ips": [1, 3], "dns": {} } }));
        assert!(Comparison::of(&reference, &reference, &[]).holds());
        let bare = Comparison::of(&reference, &ours, &[]);
        let at: Vec<_> =
            bare.differences.iter().map(|found| (found.at.as_str(), found.ours.as_str())).collect();
        assert_eq!((bare.holds(), at), (false, vec![("result.ips.1", "3"), ("result.dns", "{}")]));
        let one = Comparison::of(&reference, &ours, &[reason("result.ips.*", "3")]);
        assert_eq!((one.holds(), one.unexplained().count()), (false, 1));
        let both = [reason("result.ips.*", "3"), reason("result.dns", "*")];
        assert!(Comparison::of(&reference, &ours, &both).holds());
        let another = [reason("result.ips.*", "4"), reason("result.dns", "*")];
        assert!(!Comparison::of(&reference, &ours, &another).holds(), "the value has changed since");
    }

    #[test]
    fn a_reason_that_explains_nothing_fails() {
        let same = answers(&json!({ "exit": 0 }));
        let idle = Comparison::of(&same, &same, &[reason("result.*", "*")]);
        assert_eq!((idle.holds(), idle.idle().len()), (false, 1));
    }

    #[test]
    fn what_is_not_asked_or_not_recorded_is_counted() {
        let (mut less, whole) = (answers(&json!({})), answers(&json!({})));
        less.said.clear();
        let fewer = Comparison::of(&whole, &less, &[reason("result.*", "*")]);
        assert_eq!((fewer.compared, fewer.unasked, fewer.unrecorded, fewer.holds()), (0, 1, 0, true));
        let more = Comparison::of(&less, &whole, &[]);
        assert_eq!((more.compared, more.unasked, more.unrecorded), (0, 0, 1));
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, same) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abd", false),
            ("a", "ab", false),
            ("*b*", "abc", true),
        ] {
            assert_eq!(matches(pattern, text), same, "{pattern} {text}");
        }
    }
}
