//! The node's agent: keeps the kernel such that every pod of this node reaches every pod of every other node.
//!
//! ```text
//! source       Nodes from the Kubernetes API, or from a nodes file
//! cluster      Nodes → members that can be reached, and a reason for each one refused    pure
//! duties       settings, own node, members → Fabric, PodRules, annotations               pure
//! agent        the only loop and the only state: wait, coalesce, plan, reconcile, report
//! report       what the cluster is told: annotations, condition, events
//! server       probes, metrics, status
//! ```

mod agent;
mod ask;
mod cleanup;
mod client;
mod cluster;
mod command;
mod conflist;
mod duties;
mod files;
mod interface;
mod lock;
mod log;
mod metrics;
mod net_conf;
mod node;
mod patience;
mod probe;
mod published;
mod report;
mod run;
mod server;
mod set_aside;
mod source;
mod status;
mod subnet_env;

use std::process::ExitCode;

use command::{Command, Task, Verb};

/// What was asked for can't be done.
const FAILED: u8 = 1;

/// Nobody could be asked, or the command line is wrong.
const UNKNOWN: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let task = match command::parse(&arguments, &|name| std::env::var(name).ok()) {
        Ok(Command::Help) => return ask::print(&command::usage()),
        Ok(Command::Version) => return ask::print(concat!("routed-agent ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Task(task)) => task,
        Err(errors) => {
            for error in errors {
                log::complain(&error);
            }
            return ExitCode::from(UNKNOWN);
        }
    };
    log::start(task.settings.log);
    for warning in &task.warnings {
        tracing::warn!("{warning}");
    }
    // One thread: what the loop knows belongs to nobody else.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no runtime");
            return ExitCode::from(FAILED);
        }
    };
    tokio::task::LocalSet::new().block_on(&runtime, work(*task))
}

async fn work(Task { verb, settings, .. }: Task) -> ExitCode {
    let done = match verb {
        Verb::Status(form, depth) => return ask::status(&settings.state_dir, form, depth).await,
        Verb::Diff => return ask::diff(&settings.state_dir).await,
        Verb::Run => run::run(settings).await.map_err(|error| error.to_string()),
        Verb::Cleanup(heir) => cleanup::cleanup(settings, heir).await.map_err(|error| error.to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!("{why}");
            ExitCode::from(FAILED)
        }
    }
}
