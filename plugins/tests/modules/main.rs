//! vlan, ipvlan and dummy, on links that not every kernel has: these tests run in the virtual machine
//! (`conformance/vm/suite`); `tests/links/lacking.rs` says what the others answer. What holds for every plugin is asked as
//! in `tests/links`.

mod crash;
mod dummy;
#[path = "../links/every.rs"]
mod every;
mod ipvlan;
#[path = "../links/killing.rs"]
mod killing;
mod lower;
#[path = "../links/reference.rs"]
mod reference;
#[path = "../links/stage.rs"]
mod stage;
mod table;
mod vlan;
