//! The CNI protocol, which binds every plugin: environment, standard input, versions, verbs, results, delegation.

pub(super) mod add;
pub(super) mod check;
pub(super) mod del;
pub(super) mod delegation;
pub(super) mod environment;
pub(super) mod input;
pub(super) mod results;
pub(super) mod upkeep;
pub(super) mod versions;

use crate::specimen::Kind;

/// Those that can be given what an ADD needs.
const KNOWN: &[Kind] = &[Kind::Interface, Kind::Chained, Kind::Ipam];

/// Those that make or adjust an interface.
const ATTACHING: &[Kind] = &[Kind::Interface, Kind::Chained];
