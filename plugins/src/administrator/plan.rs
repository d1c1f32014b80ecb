//! `cni plan`.

use std::cell::RefCell;
use std::io::{IsTerminal, Read};

use cni::{Code, Coded, Failure, Input, Io, Plugin, Request, Success};

use crate::plugins;

/// A plan that can't be made.
#[derive(Debug, thiserror::Error)]
enum PlanError {
    #[error("type: {0:?} has no plan")]
    NoPlan(String),
    #[error("CNI_COMMAND: {0:?}: a plan is ADD's alone")]
    NotAdd(String),
    #[error("{0}")]
    Refused(String),
}

impl Coded for PlanError {
    fn code(&self) -> Code {
        match self {
            Self::NoPlan(_) => Code::UnsupportedField,
            Self::NotAdd(_) | Self::Refused(_) => Code::InvalidEnvironment,
        }
    }
}

/// The skeleton reads and checks the call just as for a real ADD; only the ADD itself is another.
struct Preview {
    text: RefCell<String>,
}

impl Plugin for Preview {
    fn name(&self) -> &'static str {
        "plan"
    }

    fn add(&self, request: &Request) -> Result<Success, Failure> {
        let kind = &request.config.kind;
        let preview = plugins::find(kind).and_then(|entry| entry.preview);
        let (plan, result) = preview.ok_or_else(|| PlanError::NoPlan(kind.clone()))?(request)?;
        *self.text.borrow_mut() = plan.to_string();
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

/// The plan, a line an object, and behind an empty line the result that ADD would print.
pub(super) fn run(_: &[&std::path::Path]) -> Result<String, Failure> {
    let preview = Preview { text: RefCell::default() };
    let stdin = std::io::stdin();
    let input = if stdin.is_terminal() { Input::Terminal } else { Input::Pipe };
    let mut answer = Vec::new();
    let status = cni::run(
        &preview,
        &mut Io {
            environment: &|name| match std::env::var_os(name) {
                None if name == "CNI_COMMAND" => Some("ADD".into()),
                value => value,
            },
            stdin: &mut stdin.lock() as &mut dyn Read,
            input,
            stdout: &mut answer,
            stderr: &mut std::io::stderr(),
        },
    );
    let answer = String::from_utf8_lossy(&answer);
    match status {
        0 => Ok(format!("{}\n{answer}\n", preview.text.borrow())),
        _ => Err(PlanError::Refused(answer.into_owned()).into()),
    }
}
