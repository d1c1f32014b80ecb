//! The flow that all chained plugins share, and those that adjust the container itself.

mod sbr;
mod stage;
mod tuning;
