//! `flannel`: a drop-in for flannel's own meta plugin. It reads what flanneld wrote down for this node, completes the
//! configuration of a delegate (`bridge`, unless the network says otherwise), and leaves the work to that.
//!
//! ```text
//! stdin            conf.rs         delegate{}, ipam{}, runtimeConfig{}
//! subnet.env       subnet_env.rs   the pod network, this node's subnets, MTU, who masquerades
//!                  rendering.rs    both → the delegate's configuration                        pure
//! dataDir          saved.rs        kept as it was at ADD, for DEL and CHECK
//! CNI_PATH         calling.rs      the delegate, in the host's namespace, with our whole environment
//!                  successor.rs    the network is another plugin's by now
//! ```
//!
//! The delegate's configuration is flannel's to the byte, and so is the file `<dataDir>/<container>`: pods that either
//! plugin made can be deleted by the other.

mod calling;
mod conf;
mod garbage;
mod rendering;
mod saved;
mod subnet_env;
mod successor;
mod text;

use cni::{Code, Failure, Plugin, Request, Success};

use calling::{Called, of_this_call};
use conf::Conf;
use saved::{Files, Found};
use subnet_env::SubnetEnv;
pub(crate) use successor::forget;

use crate::failure;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flannel;

impl Plugin for Flannel {
    fn name(&self) -> &'static str {
        "flannel"
    }

    /// The configuration is on disk before the delegate is asked: a kill leaves what DEL finds.
    fn add(&self, request: &Request) -> Result<Success, Failure> {
        let stdin = rendered(request)?;
        let called = Called::find(request, stdin.clone())?;
        let files = Files::of(request)?;
        files.write(&stdin)?;
        called.add().inspect_err(|_| {
            // The failure of the ADD is what the runtime has to know. What the delegate could not take back, the
            // runtime's own DEL will find in the file.
            if called.del().is_ok() {
                let _ = files.remove();
            }
        })
    }

    /// By what ADD saved; where that is lost, by what ADD would do now, so that no address leaks. Where nothing tells
    /// of the attachment, there is nothing to delete.
    fn del(&self, request: &Request) -> Result<(), Failure> {
        let files = Files::of(request)?;
        let mut failures = Vec::new();
        let found = files.read()?;
        if let Some(found) = &found {
            let asked = Called::find(request, of_this_call(request, found.text()));
            failures.extend(asked.and_then(|called| called.del()).err());
        }
        let certain = found.as_ref().is_some_and(|found| found.is_certainly_of(request));
        if let (false, Some(called)) = (certain, rebuilt(request)) {
            failures.extend(called.del().err());
        }
        if failures.is_empty() {
            files.remove()?;
        }
        failure::of_all(failures)
    }

    fn check(&self, request: &Request) -> Result<(), Failure> {
        let saved = Files::of(request)?.read()?.filter(|found| found.is_certainly_of(request));
        let text = match saved.as_ref().map(Found::text) {
            Some(text) => text.to_owned(),
            None => rendered(request)?,
        };
        Called::find(request, of_this_call(request, &text))?.check()
    }

    fn gc(&self, request: &Request) -> Result<(), Failure> {
        garbage::gc(request)
    }

    /// Without the node's subnet no ADD can succeed, and whoever is attached already keeps what he has: 50, and not 51.
    fn status(&self, request: &Request) -> Result<(), Failure> {
        let conf = Conf::parse(request)?;
        let environment = SubnetEnv::read(&conf.subnet_file)
            .map_err(|error| Failure { code: Code::NotAvailable, ..Failure::from(error) })?;
        Called::find(request, rendering::text(&conf, &environment))?.status()
    }
}

/// What the delegate of an ADD is given.
fn rendered(request: &Request) -> Result<Vec<u8>, Failure> {
    let conf = Conf::parse(request)?;
    let environment = SubnetEnv::read(&conf.subnet_file)?;
    Ok(rendering::text(&conf, &environment))
}

/// The delegate of a DEL for which nothing was saved; none where it can't be told any more, as after a reboot before
/// flanneld has come up.
fn rebuilt(request: &Request) -> Option<Called> {
    let stdin = rendered(request).ok()?;
    Called::find(request, of_this_call(request, &stdin)).ok()
}
