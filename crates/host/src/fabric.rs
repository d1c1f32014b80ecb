//! The fabric kept true: what the kernel holds is read, compared with what is wanted, and the difference changed.
//!
//! The shape is flannel's: one VXLAN device a family; a neighbour, a forwarding entry and an `onlink` route a subnet;
//! without a tunnel, a route by the node's own address. Ours are told by [`PROTOCOL`] on routes and next hops and by the
//! devices' alias: what bears them and is not wanted goes, wherever it is. On our tunnels whatever lies in the
//! cluster's networks goes too, so what flannel left is adopted. All else stays untouched.

mod bulk;
mod checksum;
mod compare;
mod cursor;
mod default_route;
mod device;
mod flanneld;
mod foreign;
mod glance;
mod hops;
mod object;
mod pass;
mod report;
mod step;
mod tunnel;
mod wanted;
mod wire;

use netstate::Fabric;

pub(crate) use bulk::Bulk;
pub(crate) use flanneld::remove_flannelds_tunnels;
pub use foreign::Foreign;
pub use object::{PROTOCOL, Setting};
pub use report::{Action, Drift, Failure, Kind, Obstacle, Pass};

use crate::error::Error;
use crate::machine::Host;
use pass::Work;

/// What stands in the kernel for a path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A route that points at a next hop object, where the kernel knows such (5.3), else [`Shape::Plain`]. 5,000 routes
    /// by gateways of their own take thirteen times as long: the kernel compares each with all the others.
    #[default]
    NextHops,
    /// A route with its own gateway.
    Plain,
    /// What flannel would have made, without a mark of ours: for a node that is handed to flannel, which can neither
    /// replace nor delete a route that points at a next hop object.
    Flannel,
}

/// Does a pass change anything?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It only tells what it would.
    Look,
    /// It does.
    Change,
}

impl Host {
    /// Makes the kernel hold the fabric, and nothing else of ours. Reads everything there is, changes what differs, each
    /// by replacing it, and removes last. A path that the kernel refuses keeps no other from being made; both are told.
    ///
    /// # Errors
    /// Where the kernel's tables can't be read.
    pub fn reconcile(&mut self, fabric: &Fabric) -> Result<Pass, Error> {
        self.reconcile_as(fabric, Shape::default())
    }

    /// The same in a shape of its own. From one shape to another each route is replaced, so no packet is lost.
    ///
    /// # Errors
    /// As [`Host::reconcile`].
    pub fn reconcile_as(&mut self, fabric: &Fabric, shape: Shape) -> Result<Pass, Error> {
        self.pass(fabric, Effect::Change, shape)
    }

    /// What [`Host::reconcile_as`] would change and could not do, without doing it.
    ///
    /// # Errors
    /// As [`Host::reconcile`].
    pub fn drift(&mut self, fabric: &Fabric, shape: Shape) -> Result<Pass, Error> {
        self.pass(fabric, Effect::Look, shape)
    }

    fn pass(&mut self, fabric: &Fabric, effect: Effect, shape: Shape) -> Result<Pass, Error> {
        let bulk = Bulk::ensure(&mut self.fabric)?;
        Work::new(&mut self.route, bulk, effect, shape).run(fabric)
    }

    /// The socket for routes by the thousand, opened when it is needed.
    pub(crate) fn bulk(&mut self) -> Result<&mut Bulk, Error> {
        Bulk::ensure(&mut self.fabric)
    }
}
