//! Why there are no Nodes to be had just now.

use std::fmt;
use std::io;

use thiserror::Error;

use crate::client::{AccessError, Refusal};

/// What was asked of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    List,
    Watch,
}

impl fmt::Display for Tried {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::List => "listing the Nodes",
            Self::Watch => "watching the Nodes",
        })
    }
}

/// A list or a watch that came to nothing, or broke off.
#[derive(Debug, Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("{tried}: {refusal}")]
    Refused { tried: Tried, refusal: Refusal },
    #[error("{tried}: the connection broke: {source}")]
    Broken { tried: Tried, source: io::Error },
    #[error("{tried}: what the server sent can't be read: {source}")]
    Unreadable { tried: Tried, source: serde_json::Error },
    #[error("listing the Nodes: it ended after {nodes} Nodes, and was not complete")]
    CutOff { nodes: usize },
    #[error("{tried}: the server says nothing")]
    Silent { tried: Tried },
    #[error("watching the Nodes: the server ended it at once")]
    Short,
}

impl Trouble {
    fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { refusal, .. } => refusal.code(),
            _ => None,
        }
    }

    /// 410 Gone: the server no longer knows what came after our position, or the rest of a list.
    pub(super) fn position_lost(&self) -> bool {
        self.code() == Some(410)
    }

    /// 400, 422: the server doesn't know how to stream a list, or may not; 500: it could, but its etcd is older than 3.4.25.
    pub(super) fn not_streamed(&self) -> bool {
        matches!(self.code(), Some(400 | 422 | 500))
    }
}
