//! What a client and the server know each other by, and its renewal.

use std::fs;
use std::path::Path;

use super::ApiServer;
use crate::{Node, Place};

/// What is another from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    /// The key by which tokens of service accounts are signed: those from before are nobody's.
    Accounts,
    /// The server's certificate and the authority that signed it.
    Certificate,
}

/// The key of service accounts, where the server looks for it.
pub(super) const ACCOUNTS: &str = "accounts.key";

/// The certificates' folder; the server makes what it lacks.
pub(super) const CERTIFICATES: &str = "certificates";

/// Makes a key for the tokens of service accounts.
pub(super) fn key(node: &Node, path: &Path) {
    let out = format!("-out={}", path.display());
    node.exec(&["openssl", "ecparam", "-genkey", "-noout", "-name=prime256v1", &out]);
}

impl ApiServer<'_> {
    /// Starts the server anew, with these renewed. Watches end; who has a kubeconfig file of ours goes on.
    ///
    /// # Panics
    /// As [`ApiServer::start`].
    pub fn renew(&mut self, all: &[Renewed]) {
        self.kill();
        for what in all {
            match what {
                Renewed::Accounts => key(self.node, &self.file(ACCOUNTS)),
                Renewed::Certificate => {
                    fs::remove_dir_all(self.file(CERTIFICATES)).expect("the server has made it");
                }
            }
        }
        self.start_again();
    }

    /// The bundle that a Pod's service account finds as `ca.crt`.
    ///
    /// # Panics
    /// Where the server has none.
    #[must_use]
    pub fn bundle(&self) -> String {
        fs::read_to_string(self.file(CERTIFICATES).join("apiserver.crt")).expect("the server has made it")
    }
}
