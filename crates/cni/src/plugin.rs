//! What a plugin is to the skeleton.

use crate::{Failure, Request, Success, Version};

/// A plugin: the operations of the specification. VERSION is the skeleton's.
pub trait Plugin {
    /// Its name, which is its file's and the configuration's `type`.
    fn name(&self) -> &'static str;

    /// The versions that it supports, from the oldest on; never empty.
    fn versions(&self) -> &'static [Version] {
        Version::ALL
    }

    /// ADD: attach the container, or adjust its attachment.
    ///
    /// # Errors
    /// Why it could not, with nothing left behind that DEL would not find.
    fn add(&self, request: &Request) -> Result<Success, Failure>;

    /// DEL: take the attachment away. What is not there is no error.
    ///
    /// # Errors
    /// What could not be removed, after all that could was.
    fn del(&self, request: &Request) -> Result<(), Failure>;

    /// CHECK: is the attachment as ADD made it?
    ///
    /// # Errors
    /// What is missing or different.
    fn check(&self, request: &Request) -> Result<(), Failure>;

    /// GC: take away what belongs to no valid attachment.
    ///
    /// # Errors
    /// What could not be removed, after all that could was.
    fn gc(&self, request: &Request) -> Result<(), Failure>;

    /// STATUS: would an ADD succeed?
    ///
    /// # Errors
    /// [`crate::Code::NotAvailable`] or [`crate::Code::LimitedConnectivity`], and why.
    fn status(&self, request: &Request) -> Result<(), Failure>;
}

/// The level of the reference plugins that ours stand for.
const LEVEL: &str = "1.9.1";

/// What a plugin says of itself when it is called by hand: `CNI bridge plugin v1.9.1+trestle.0.1.0`. Tools parse it
/// for the version.
pub fn about(name: &str) -> String {
    format!("CNI {name} plugin v{LEVEL}+trestle.{}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    // P-010
    #[test]
    fn a_plugin_tells_its_name_and_the_level_of_the_reference_that_it_stands_for() {
        assert_eq!(
            super::about("bridge"),
            format!("CNI bridge plugin v1.9.1+trestle.{}", env!("CARGO_PKG_VERSION"))
        );
    }
}
