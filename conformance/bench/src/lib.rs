//! What an operation of a CNI plugin costs, beside the same by others, and beside a floor.

pub mod call;
pub mod contender;
pub mod floor;
pub mod list;
pub mod plot;
pub mod report;
pub mod rows;
