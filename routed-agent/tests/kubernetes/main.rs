//! The agent and its manifests with a real API server.

mod credentials;
mod manifests;
