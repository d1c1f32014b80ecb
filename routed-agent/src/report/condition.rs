//! The Node's condition `NetworkUnavailable`, by which schedulers and people see whether its pods have a network.

use serde_json::{Value, json};

use crate::node::Unavailable;

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

/// The strategic merge patch of `status` after which the Node says so; none where it does already. `now` is the time as
/// RFC 3339 writes it.
pub(crate) fn patch_for(current: Option<&Unavailable>, wanted: &Availability, now: &str) -> Option<Value> {
    let (status, reason) = wanted.told();
    let message = wanted.message();
    let said = current.map(|now| (now.status.as_str(), now.reason.as_str(), now.message.as_str()));
    if said == Some((status, reason, message)) {
        return None;
    }
    let mut condition = json!({
        "type": "NetworkUnavailable",
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": now,
    });
    // Another reason for the same status is no transition.
    if current.is_none_or(|current| current.status != status) {
        condition["lastTransitionTime"] = json!(now);
    }
    Some(json!({"status": {"conditions": [condition]}}))
}

/// The strategic merge patch of `status` after which the Node doesn't have the condition.
pub(crate) fn removal() -> Value {
    json!({"status": {"conditions": [{"$patch": "delete", "type": "NetworkUnavailable"}]}})
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-21T13:40:00Z";

    fn told(status: &str, reason: &str, message: &str) -> Unavailable {
        let [status, reason, message] = [status, reason, message].map(str::to_owned);
        Unavailable { status, reason, message }
    }

    fn down() -> Availability {
        let (reason, message) = ("NoPodCIDR".to_owned(), "this Node has no podCIDR yet".to_owned());
        Availability::Down(Failure { reason, message })
    }

    #[test]
    fn a_node_that_says_so_already_is_left_alone() {
        let up = told("False", "TrestleIsUp", Availability::Up.message());
        assert_eq!(patch_for(Some(&up), &Availability::Up, NOW), None);
        let told = told("True", "NoPodCIDR", "this Node has no podCIDR yet");
        assert_eq!(patch_for(Some(&told), &down(), NOW), None);
    }

    #[test]
    fn another_problem_is_told_and_is_no_transition() {
        let told = told("True", "NoPodCIDR", "eth0 is down");
        let patch = patch_for(Some(&told), &down(), NOW).unwrap();
        let condition = &patch["status"]["conditions"][0];
        assert_eq!(
            (&condition["message"], &condition["lastTransitionTime"]),
            (&json!("this Node has no podCIDR yet"), &Value::Null)
        );
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
        let patch =
            patch_for(Some(&told("False", "FlannelIsUp", "flannel is running")), &Availability::Up, NOW)
                .unwrap();
        let condition = &patch["status"]["conditions"][0];
        assert_eq!(
            (&condition["reason"], &condition["lastTransitionTime"]),
            (&json!("TrestleIsUp"), &Value::Null)
        );
    }
}
