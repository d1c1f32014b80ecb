//! The delegate, and the configuration that it is called with.

use cni::{Config, Delegate, Failure, Request, Success, go};
use serde_json::Value;

use super::text;

/// A call of the delegate.
pub(super) struct Called {
    delegate: Delegate,
    request: Request,
}

impl Called {
    /// The delegate that a configuration names.
    ///
    /// # Errors
    /// Where it is no configuration, or `CNI_PATH` holds no such plugin.
    pub(super) fn find(request: &Request, stdin: Vec<u8>) -> Result<Self, Failure> {
        let config = Config::parse(&stdin)?;
        let delegate = Delegate::find(&config.kind, request)?;
        Ok(Self { delegate, request: Request { config, stdin, ..request.clone() } })
    }

    /// ADD.
    ///
    /// # Errors
    /// The delegate's own.
    pub(super) fn add(&self) -> Result<Success, Failure> {
        self.delegate.add(&self.request)
    }

    /// DEL.
    ///
    /// # Errors
    /// The delegate's own.
    pub(super) fn del(&self) -> Result<(), Failure> {
        self.delegate.del(&self.request)
    }

    /// CHECK.
    ///
    /// # Errors
    /// The delegate's own.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.delegate.check(&self.request)
    }

    /// GC.
    ///
    /// # Errors
    /// The delegate's own.
    pub(super) fn gc(&self) -> Result<(), Failure> {
        self.delegate.gc(&self.request)
    }

    /// STATUS.
    ///
    /// # Errors
    /// The delegate's own.
    pub(super) fn status(&self) -> Result<(), Failure> {
        self.delegate.status(&self.request)
    }
}

/// Keys by which a runtime speaks of one call. They are of this call's version.
const OF_THE_CALL: [&str; 3] = ["prevResult", "cni.dev/valid-attachments", "cni.dev/attachments"];

/// A configuration with what the runtime says of this call (section 4: a delegate gets what its caller got). Where it
/// says nothing, the same bytes.
pub(super) fn of_this_call(request: &Request, stdin: &[u8]) -> Vec<u8> {
    let said = OF_THE_CALL.map(|key| (key, go::member(request.config.value(), key)));
    let Ok(Value::Object(mut conf)) = serde_json::from_slice(stdin) else { return stdin.to_owned() };
    let mut said = said.into_iter().filter_map(|(key, value)| Some((key, value?))).peekable();
    if said.peek().is_none() {
        return stdin.to_owned();
    }
    conf.insert("cniVersion".to_owned(), request.config.version.as_str().into());
    conf.extend(said.map(|(key, value)| (key.to_owned(), value.clone())));
    conf.sort_keys();
    text::text(&conf.into()).into_bytes()
}
