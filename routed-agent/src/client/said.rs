//! What the API server, or the way to it, said, in one line.

use std::error::Error;
use std::fmt;

use kube::core::Status;
use thiserror::Error;

/// An error and what is behind it, each thing said once: `client error (Connect): connection refused`.
pub(crate) struct Said<'a, E>(pub(crate) &'a E);

impl<E: Error> fmt::Display for Said<'_, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        formatter.write_str(&said)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let more = error.to_string();
            if !said.contains(&more) {
                write!(formatter, ": {more}")?;
                said = more;
            }
            source = error.source();
        }
        Ok(())
    }
}

/// A request that came to nothing.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    /// The server's own word.
    #[error("the API server answers {} {}: {}", .0.code, .0.reason, .0.message)]
    Status(Box<Status>),
    /// There was no answer, or none that can be read.
    #[error("{}", Said(_0))]
    Transport(#[source] Box<kube::Error>),
}

impl Refusal {
    /// The HTTP status; `None` where no answer came.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(status.code),
            Self::Transport(_) => None,
        }
    }
}

impl From<kube::Error> for Refusal {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Status(status),
            other => Self::Transport(Box::new(other)),
        }
    }
}
