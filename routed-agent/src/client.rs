//! The way to the API server: a kubeconfig file, a plain address, or the pod's service account; flannel's
//! `--kubeconfig-file` and `--kube-api-url` (client-go's `BuildConfigFromFlags`).

use std::path::PathBuf;
use std::time::Duration;

use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use thiserror::Error;

use self::said::Said;

mod said;

pub(crate) use said::Refusal;

/// What servers write into their logs and metrics.
const USER_AGENT: &str = concat!("trestle-routed-agent/", env!("CARGO_PKG_VERSION"));

/// Where the server has its Nodes.
pub(crate) const NODES: &str = "/api/v1/nodes";

/// A server that can't be connected to in this time is not there.
const CONNECT: Duration = Duration::from_secs(10);

/// Where the API server is and who we are there. With neither of the two, the pod's service account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// A kubeconfig file; its current context counts.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The server's URL, in place of the one that the kubeconfig names.
    pub(crate) url: Option<String>,
}

/// Why there is no way to an API server.
#[derive(Debug, Error)]
pub(crate) enum AccessError {
    #[error("the kubeconfig file {}: {}", path.display(), Said(source))]
    Kubeconfig { path: PathBuf, source: Box<KubeconfigError> },
    #[error("the API server's URL {url}: {source}")]
    Url { url: String, source: http::uri::InvalidUri },
    #[error("no kubeconfig file is named, and there is no service account: {}", Said(_0))]
    ServiceAccount(#[source] Box<InClusterError>),
    #[error("the client can't be set up: {}", Said(_0))]
    Client(#[source] Box<kube::Error>),
}

impl Access {
    /// A client that reads its files (kubeconfig, certificates, token) now. A token file is read again by itself when it
    /// gets old; for what else may change, a new client is made after each failure (see [`Connection`]).
    async fn client(&self) -> Result<Client, AccessError> {
        let mut config = self.config().await?;
        config.connect_timeout = Some(CONNECT);
        // Who asks has a back-off of its own, and wants to hear of the first failure.
        config.default_retry = false;
        config.headers.push((http::header::USER_AGENT, http::HeaderValue::from_static(USER_AGENT)));
        Client::try_from(config).map_err(|error| AccessError::Client(Box::new(error)))
    }

    async fn config(&self) -> Result<Config, AccessError> {
        let url = self.url.as_ref().map(|url| {
            url.parse::<http::Uri>().map_err(|source| AccessError::Url { url: url.clone(), source })
        });
        let url = url.transpose()?;
        let Some(path) = &self.kubeconfig else {
            return match url {
                Some(url) => Ok(Config::new(url)),
                None => Config::incluster().map_err(|error| AccessError::ServiceAccount(Box::new(error))),
            };
        };
        let refused = |source| AccessError::Kubeconfig { path: path.clone(), source: Box::new(source) };
        let file = Kubeconfig::read_from(path).map_err(refused)?;
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(file, &options).await.map_err(refused)?;
        if let Some(url) = url {
            config.cluster_url = url;
        }
        Ok(config)
    }
}

/// A client that is made when it is first wanted, and anew after a failure: what is on disk may have changed since.
pub(crate) struct Connection {
    access: Access,
    client: Option<Client>,
}

impl Connection {
    /// Nothing is read or sent yet.
    pub(crate) fn new(access: Access) -> Self {
        Self { access, client: None }
    }

    /// The client.
    ///
    /// # Errors
    /// [`AccessError`]: a file is absent, or doesn't say what it must.
    pub(crate) async fn client(&mut self) -> Result<Client, AccessError> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let client = self.access.client().await?;
        Ok(self.client.insert(client).clone())
    }

    /// A request failed: the next client reads its files again.
    pub(crate) fn failed(&mut self) {
        self.client = None;
    }
}
