//! The Node's condition `NetworkUnavailable`, by which schedulers and people see whether its pods have a network.

use serde_json::{Value, json};

/// Why the network of this node's pods is there, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Availability {
    /// Every valid peer is programmed.
    Up,
    /// This node itself failed, whatever its peers do.
    Down(Failure),
}

/// This node's own failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// One word in `CamelCase`: `NoPodCIDR`.
    pub(crate) reason: String,
    /// What failed, on what, and why.
    pub(crate) message: String,
}

impl Availability {
    /// Status and reason of the condition, as a Node tells them.
    fn told(&self) -> (&str, &str) {
        match self {
            Self::Up => ("False", "TrestleIsUp"),
            Self::Down(failure) => ("True", &failure.reason),
        }
    }

    fn message(&self) -> &str {
        match self {
            Self::Up => "Pods of this node reach pods of the other nodes",
            Self::Down(failure) => &failure.message,
        }
    }
}

/// The strategic merge patch of `status` after which the Node says so; none where it says so by status and reason.
/// `now` is the time as RFC 3339 writes it.
pub(crate) fn patch_for(
    current: Option<&(String, String)>,
    wanted: &Availability,
    now: &str,
) -> Option<Value> {
    let current = current.map(|(status, reason)| (status.as_str(), reason.as_str()));
    let (status, reason) = wanted.told();
    if current == Some((status, reason)) {
        return None;
    }
    let mut condition = json!({
        "type": "NetworkUnavailable",
        "status": status,
        "reason": reason,
        "message": wanted.message(),
        "lastHeartbeatTime": now,
    });
    // Another reason for the same status is no transition.
    if current.is_none_or(|(before, _)| before != status) {
        condition["lastTransitionTime"] = json!(now);
    }
    Some(json!({"status": {"conditions": [condition]}}))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-21T13:40:00Z";

    fn told(status: &str, reason: &str) -> (String, String) {
        (status.to_owned(), reason.to_owned())
    }

    fn down() -> Availability {
        let (reason, message) = told("NoPodCIDR", "this Node has no podCIDR yet");
        Availability::Down(Failure { reason, message })
    }

    #[test]
    fn a_node_that_says_so_already_is_left_alone() {
        assert_eq!(patch_for(Some(&told("False", "TrestleIsUp")), &Availability::Up, NOW), None);
        assert_eq!(patch_for(Some(&told("True", "NoPodCIDR")), &down(), NOW), None);
    }

    #[test]
    fn a_new_condition_is_a_transition() {
        assert_eq!(
            patch_for(None, &down(), NOW),
            Some(json!({"status": {"conditions": [{
                "type": "NetworkUnavailable",
                "status": "True",
                "reason": "NoPodCIDR",
                "message": "this Node has no podCIDR yet",
                "lastHeartbeatTime": NOW,
                "lastTransitionTime": NOW,
            }]}}))
        );
    }

    #[test]
    fn what_flannel_said_is_said_in_our_name_and_is_no_transition() {
        let patch = patch_for(Some(&told("False", "FlannelIsUp")), &Availability::Up, NOW).unwrap();
        let condition = &patch["status"]["conditions"][0];
        assert_eq!(
            (&condition["reason"], &condition["lastTransitionTime"]),
            (&json!("TrestleIsUp"), &Value::Null)
        );
    }
}
