//! Private networks for tests: a node of its own for each test, pods on it, calls to plugins as a runtime makes
//! them, and the question "is anything left?".
//!
//! Nothing here knows the code that it tests. A step that fails panics with what was tried and what came back:
//! a test that can't run is a test that fails.

mod allowed;
mod answering;
mod api_server;
mod attached;
mod cached;
mod call;
mod containerd;
mod control_plane;
mod counted;
mod daemon;
mod eventually;
mod flow;
mod installed;
mod kernel;
mod kube_node;
mod machine;
mod mounts;
mod namespaces;
mod node;
mod observer;
mod place;
mod pod;
mod podman;
mod relay;
mod router;
mod runtime;
mod sctp;
mod snapshot;
mod trace;

pub use allowed::Allowed;
pub use answering::{Answer, Answering};
pub use api_server::{ADMIN, ApiServer, NOBODY, Renewed, Request};
pub use attached::Attached;
pub use cached::cached;
pub use call::{Call, Reply, Running};
pub use containerd::{Containerd, IMAGE};
pub use control_plane::ControlPlane;
pub use counted::{Tally, counted};
pub use daemon::Daemon;
pub use eventually::{PATIENCE, eventually};
pub use flow::{Echoes, Flow};
pub use installed::{Directory, plugins_dir};
pub use kernel::without_netfilter;
pub use kube_node::{CLUSTER_DNS, KubeNode, Launched, ProxyMode, Stopped};
pub use machine::{Lan, Machine};
pub use node::Node;
pub use place::{Output, Place};
pub use pod::Pod;
pub use podman::configure_podman;
pub use relay::Relay;
pub use router::{Router, Uplink};
pub use runtime::Runtime;
pub use sctp::{Sctp, SctpPacket};
pub use snapshot::Snapshot;
pub use trace::{End, Victims, count_changes, kill_after, kill_ever_later, stride};
