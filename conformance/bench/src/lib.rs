//! What an operation of a CNI plugin costs, beside the same by others, and beside a floor: see `README.md`.

pub mod floor;
