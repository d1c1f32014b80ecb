//! What the agent says of its own node, on its own Node in the cluster: annotations for its peers, a condition for the
//! scheduler, Events for people.

mod annotations;
pub(crate) mod condition;
pub(crate) mod events;
pub(crate) mod reporter;
mod silence;
mod teller;
#[cfg(test)]
mod with_api_server;

pub(crate) use events::{Notice, Weight};
pub(crate) use silence::take_back;
pub(crate) use teller::{Wish, availability, start};
