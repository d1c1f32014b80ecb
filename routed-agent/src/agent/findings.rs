//! What is told of what a status says for the first time.

use crate::status::Status;

/// So many new findings of a sort are told one by one; of more, how many.
const TOLD: usize = 4;

/// What was found since, by sorts; where it is much, the first of it and how much more.
pub(super) fn news(before: &Status, now: &Status) -> Vec<(&'static str, Vec<String>)> {
    let mut sorts: Vec<(&'static str, Vec<String>)> = Vec::new();
    for (reason, line) in now.findings().filter(|found| !before.findings().any(|known| known == *found)) {
        match sorts.last_mut() {
            Some((last, lines)) if *last == reason => lines.push(line.clone()),
            _ => sorts.push((reason, vec![line.clone()])),
        }
    }
    for (_, lines) in &mut sorts {
        let more = lines.len().saturating_sub(TOLD);
        lines.truncate(TOLD);
        lines.extend((more > 0).then(|| format!("{more} more: routed-agent status names them")));
    }
    sorts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_findings_at_once_are_told_as_a_few_and_a_number() {
        let refused = (1..=9).map(|number| format!("Node n{number}: it has no podCIDR")).collect();
        let (before, now) = (Status::default(), Status { refused, ..Status::default() });
        let told = news(&before, &now);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].1.len(), TOLD + 1);
        assert_eq!(told[0].1[TOLD], "5 more: routed-agent status names them");
        assert_eq!(news(&now, &now), []);
    }
}
