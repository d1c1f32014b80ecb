//! kubectl, and what it needs to know of the server.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::api_server::{ADMIN, ApiServer};
use crate::{Output, Place, Relay, cached};

impl ApiServer<'_> {
    /// A kubeconfig file of one who may do everything.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig_of(ADMIN)
    }

    /// A kubeconfig file of whoever holds this token.
    #[must_use]
    pub fn kubeconfig_of(&self, token: &str) -> PathBuf {
        let name: String = token.chars().rev().take(40).filter(char::is_ascii_alphanumeric).collect();
        let path = self.directory.join(&format!("kubeconfig-{name}"));
        self.node.write(&path, &self.config(&self.url(), token).to_string());
        path
    }

    /// The same as text that holds all it needs, for a machine that has none of this node's files.
    ///
    /// # Panics
    /// Where kubectl can't tell.
    #[must_use]
    pub fn portable_kubeconfig_of(&self, token: &str) -> String {
        let output = self.kubectl_of(token, &["config", "view", "--raw", "--flatten"]);
        assert!(output.code == 0, "{output:?}");
        output.stdout
    }

    /// A cable to the server, and a kubeconfig file of one who may do everything, but has only this cable.
    #[must_use]
    pub fn relay(&self) -> (Relay, PathBuf) {
        let relay = Relay::to(self.address());
        let path = self.directory.join("kubeconfig-relay");
        let url = format!("https://{}", relay.address());
        self.node.write(&path, &self.config(&url, ADMIN).to_string());
        (relay, path)
    }

    fn config(&self, url: &str, token: &str) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {
                "server": url,
                "tls-server-name": self.address,
                "certificate-authority": self.directory.join("certificates/apiserver.crt"),
            }}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
            "current-context": "test",
        })
    }

    /// kubectl as one who may do everything; must succeed.
    ///
    /// # Panics
    /// Where it doesn't, with what it said.
    pub fn kubectl(&self, arguments: &[&str]) -> Output {
        let output = self.try_kubectl(arguments);
        assert!(output.code == 0, "kubectl {arguments:?}: {}{}", output.stdout, output.stderr);
        output
    }

    /// kubectl, whatever comes of it.
    #[must_use]
    pub fn try_kubectl(&self, arguments: &[&str]) -> Output {
        self.kubectl_of(ADMIN, arguments)
    }

    /// kubectl as whoever holds this token, whatever comes of it.
    #[must_use]
    pub fn kubectl_of(&self, token: &str, arguments: &[&str]) -> Output {
        let program = cached("kubernetes/kubectl").display().to_string();
        let config = format!("--kubeconfig={}", self.kubeconfig_of(token).display());
        let cache = format!("--cache-dir={}", self.directory.join("kubectl").display());
        let mut words = vec![program.as_str(), &config, &cache, "--request-timeout=30s"];
        words.extend(arguments);
        self.node.try_exec(&words)
    }
}
