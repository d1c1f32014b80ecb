//! vlan, ipvlan and dummy, on links that not every kernel has: these tests run in the virtual machine
//! (`conformance/vm/suite`); `tests/links/lacking.rs` says what the others answer.

mod dummy;
mod ipvlan;
#[path = "../links/stage.rs"]
mod stage;
mod vlan;
