//! What was asked of the server, from its audit log.

use std::path::Path;

use serde_json::Value;

/// Notes each request for Nodes and Events; watches when they begin.
pub(super) const POLICY: &str = r#"
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: Metadata
  omitStages: [RequestReceived]
  resources:
  - group: ""
    resources: [nodes, nodes/status, events]
  - group: events.k8s.io
    resources: [events]
- level: None
"#;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `list`, `watch`, `patch`, …
    pub verb: String,
    /// Path and query.
    pub uri: String,
    /// `ResponseStarted` for a watch on its way, else `ResponseComplete`.
    pub stage: String,
    /// The HTTP status.
    pub code: u64,
}

pub(super) fn read(log: &Path, agent: &str) -> Vec<Request> {
    let text = match std::fs::read_to_string(log) {
        Ok(text) => text,
        Err(error) => panic!("{}: {error}", log.display()),
    };
    // The last line may be on its way.
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours = events.filter(|event| event["userAgent"].as_str().is_some_and(|name| name.contains(agent)));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    ours.map(|event| Request {
        verb: text(&event["verb"]),
        uri: text(&event["requestURI"]),
        stage: text(&event["stage"]),
        code: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
    })
    .collect()
}
