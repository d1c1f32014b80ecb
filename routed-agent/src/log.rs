//! Logs: on standard error, for people or as JSON.

use std::fmt::Display;

use tracing_subscriber::EnvFilter;

use crate::command::LogFormat;

/// Starts them. `RUST_LOG` chooses what is told; this agent's own news where it is not set.
pub(crate) fn start(format: LogFormat) {
    // kube's client tells each failed request at once; whoever asked tells it with its reason.
    let usual = || EnvFilter::new("warn,kube_client=off,routed_agent=info");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => logs.with_target(false).init(),
        LogFormat::Json => logs.json().init(),
    }
}

/// Says what is wrong before it is known how logs are written.
#[expect(clippy::print_stderr, reason = "the command line is wrong, and there is no log yet")]
pub(crate) fn complain(what: &impl Display) {
    eprintln!("routed-agent: {what}");
}
