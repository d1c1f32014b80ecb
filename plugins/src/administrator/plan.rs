//! `cni plan`: an ADD's environment and stdin, and what that ADD would do. Nothing is changed, and nothing is locked.
//!
//! stdout has a line for each object in the order in which it would be made, an empty line, and the result that ADD would
//! print. The MAC of a bridge that is not there yet is left out: it is random.
//!
//! ```text
//! host      bridge cni0
//! host      address 10.88.0.1/16 dev cni0
//! container address 10.88.0.2/16 dev eth0
//!
//! {
//!     "cniVersion": "1.1.0",
//!     …
//! ```
//!
//! Where ADD would fail, stdout has the error object that it would print and nothing else, and the exit status is 1. An
//! IPAM plugin other than our own host-local can't be asked what it would give: that is error 2.

use std::cell::RefCell;
use std::io::Read;
use std::path::Path;

use cni::{Code, Coded, Failure, Input, Io, Plugin, Request, Success};
use netstate::Plan;

use super::Said;
use crate::plugins;

/// A plan that can't be made.
#[derive(Debug, thiserror::Error)]
enum PlanError {
    #[error("type: {0:?} has no plan")]
    NoPlan(String),
    #[error("CNI_COMMAND: {0:?}: a plan is ADD's alone")]
    NotAdd(String),
}

impl Coded for PlanError {
    fn code(&self) -> Code {
        match self {
            Self::NoPlan(_) => Code::UnsupportedField,
            Self::NotAdd(_) => Code::InvalidEnvironment,
        }
    }
}

/// The skeleton reads and checks the call just as for a real ADD; only the ADD itself is another.
struct Preview {
    plan: RefCell<Option<Plan>>,
}

impl Plugin for Preview {
    fn name(&self) -> &'static str {
        "plan"
    }

    fn add(&self, request: &Request) -> Result<Success, Failure> {
        let kind = &request.config.kind;
        let preview = plugins::find(kind).and_then(|entry| entry.preview);
        let (plan, result) = preview.ok_or_else(|| PlanError::NoPlan(kind.clone()))?(request)?;
        *self.plan.borrow_mut() = Some(plan);
        Ok(result)
    }

    fn del(&self, _: &Request) -> Result<(), Failure> {
        Err(PlanError::NotAdd("DEL".to_owned()).into())
    }

    fn check(&self, _: &Request) -> Result<(), Failure> {
        Err(PlanError::NotAdd("CHECK".to_owned()).into())
    }

    fn gc(&self, _: &Request) -> Result<(), Failure> {
        Err(PlanError::NotAdd("GC".to_owned()).into())
    }

    fn status(&self, _: &Request) -> Result<(), Failure> {
        Err(PlanError::NotAdd("STATUS".to_owned()).into())
    }
}

/// Looks ahead to an ADD.
pub(super) fn run(_: &[&Path]) -> Said {
    let preview = Preview { plan: RefCell::default() };
    let stdin = std::io::stdin();
    let mut answer = Vec::new();
    let status = cni::run(
        &preview,
        &mut Io {
            environment: &|name| match std::env::var_os(name) {
                None if name == "CNI_COMMAND" => Some("ADD".into()),
                value => value,
            },
            stdin: &mut stdin.lock() as &mut dyn Read,
            input: &|| Input::of(&stdin),
            stdout: &mut answer,
            stderr: &mut std::io::stderr(),
        },
    );
    let answer = String::from_utf8_lossy(&answer);
    let plan = preview.plan.into_inner().map(|plan| format!("{plan}\n")).unwrap_or_default();
    Said { text: format!("{plan}{answer}\n"), status, ..Said::default() }
}
