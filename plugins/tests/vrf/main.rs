//! Interfaces in virtual routing and forwarding domains. Not every kernel has them: these tests run in the virtual machine
//! (`conformance/vm/suite`); `tests/chained/vrf_support.rs` says what the others answer.

mod crash;
mod entering;
mod several;
mod stage;
mod versions;
