//! The Container Network Interface specification (1.1.0 and all before it) in Rust.
//!
//! A plugin implements [`Plugin`] and hands it to [`main`]; the skeleton reads the environment and the
//! configuration, calls it, and prints the one JSON value that the runtime reads. Nothing here touches a network.

pub mod args;
mod attachments;
mod code;
mod command;
mod config;
pub mod delegate;
mod environment;
mod failure;
pub mod go;
mod negotiation;
mod plugin;
mod request;
mod result;
mod skeleton;
mod version;
mod wire;

pub use attachments::{ValidAttachment, ValidAttachments};
pub use code::Code;
pub use command::{Command, CommandError};
pub use config::{Config, ConfigError, PrevResultError};
pub use delegate::{Delegate, DelegateError};
pub use environment::EnvironmentError;
pub use failure::{Coded, Failure};
pub use go::DecodeError;
pub use plugin::{Plugin, about};
pub use request::Request;
pub use result::{Dns, Interface, Ip, ResultError, Route, Success};
pub use skeleton::{Input, Io, main, run};
pub use version::{Version, VersionError};
