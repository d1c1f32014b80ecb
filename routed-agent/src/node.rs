//! What the agent needs of a Node, as it was written: nothing is judged here (see `cluster`).

mod annotations;
pub(crate) mod wire;

pub(crate) use annotations::Annotations;

/// A Node, trimmed. Two that are equal differ in nothing that matters here: heartbeats and labels change no plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    /// `metadata.name`.
    pub(crate) name: String,
    /// `metadata.uid`; empty in a nodes file.
    pub(crate) uid: String,
    /// `metadata.creationTimestamp` as RFC 3339 writes it, so that text order is time order; empty in a nodes file.
    pub(crate) created: String,
    /// `spec.podCIDRs`, else `spec.podCIDR`.
    pub(crate) pod_cidrs: Vec<String>,
    /// `status.addresses` of type `InternalIP`, in their order.
    pub(crate) internal_addresses: Vec<String>,
    /// `status.addresses` of type `ExternalIP`, in their order.
    pub(crate) external_addresses: Vec<String>,
    /// The annotations under our prefix, without it: `backend-type`, `backend-data`, `public-ip`, …
    pub(crate) annotations: Annotations,
    /// The condition `NetworkUnavailable`. Kept for the agent's own Node only.
    pub(crate) unavailable: Option<Box<Unavailable>>,
}

/// The condition `NetworkUnavailable`, as far as it was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Unavailable {
    /// `True`, `False`, `Unknown`.
    pub(crate) status: String,
    /// One word.
    pub(crate) reason: String,
    /// A sentence.
    pub(crate) message: String,
}
