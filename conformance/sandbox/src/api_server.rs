//! A real Kubernetes API server: etcd and kube-apiserver in a node's namespaces. No controller, scheduler or kubelet.

mod credentials;
mod kubectl;
mod objects;
mod requests;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::{Daemon, Directory, Node, Place, cached};

pub use credentials::Renewed;
pub use requests::Request;

/// On `lo`, where a test has no wish. The server refuses to say that it is at a loopback address.
const ADDRESS: &str = "172.31.255.1";

const PORT: u16 = 6443;

/// The token that may do everything.
pub const ADMIN: &str = "admin-token";

/// A user known to the server who may do nothing.
pub const NOBODY: &str = "nobody-token";

/// The server. RBAC and service accounts are on, as in a real cluster; it is stopped when the value goes.
#[derive(Debug)]
pub struct ApiServer<'node> {
    node: &'node Node,
    address: IpAddr,
    flags: Vec<String>,
    server: Option<Daemon>,
    // Dropped after the server, and the directory last.
    etcd: Daemon,
    directory: Directory,
}

impl<'node> ApiServer<'node> {
    /// Starts etcd and an API server at an address of its own.
    ///
    /// # Panics
    /// Where one of them isn't there or doesn't come up, with what it said.
    #[must_use]
    pub fn start(node: &'node Node) -> Self {
        Self::with(node, &[])
    }

    /// The same with more flags: `--feature-gates=WatchList=false`.
    ///
    /// # Panics
    /// As [`ApiServer::start`].
    #[must_use]
    pub fn with(node: &'node Node, flags: &[&str]) -> Self {
        node.exec(&["ip", "address", "add", &format!("{ADDRESS}/32"), "dev", "lo"]);
        Self::at(node, ADDRESS.parse().expect("an address"), flags)
    }

    /// The same at an address that the node has, where other nodes reach it.
    ///
    /// # Panics
    /// As [`ApiServer::start`].
    #[must_use]
    pub fn at(node: &'node Node, address: IpAddr, flags: &[&str]) -> Self {
        let directory = node.directory();
        let mut etcd = Daemon::start(
            &[
                &cached("kubernetes/etcd").display().to_string(),
                "--unsafe-no-fsync",
                &format!("--data-dir={}", directory.join("etcd").display()),
                "--listen-client-urls=http://127.0.0.1:2379",
                "--advertise-client-urls=http://127.0.0.1:2379",
            ],
            &directory.join("etcd.log"),
        );
        etcd.until("etcd answers", || std::net::TcpStream::connect("127.0.0.1:2379").is_ok());
        credentials::key(node, &directory.join(credentials::ACCOUNTS));
        node.write(
            directory.join("tokens"),
            &format!("{ADMIN},admin,1,\"system:masters\"\n{NOBODY},nobody,2\n"),
        );
        node.write(directory.join("audit.yaml"), requests::POLICY);
        let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        let mut server = Self { node, address, flags, server: None, etcd, directory };
        server.start_again();
        server
    }

    /// Kills the API server on the spot. What it knew is in etcd.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Starts the API server after [`ApiServer::kill`].
    ///
    /// # Panics
    /// As [`ApiServer::start`].
    pub fn start_again(&mut self) {
        let program = cached("kubernetes/kube-apiserver");
        let file = |name: &str| self.directory.join(name).display().to_string();
        let mut words = vec![
            program.display().to_string(),
            "--etcd-servers=http://127.0.0.1:2379".to_owned(),
            format!("--bind-address={}", self.address),
            format!("--advertise-address={}", self.address),
            format!("--secure-port={PORT}"),
            format!("--service-cluster-ip-range={}", service_ranges(self.address)),
            format!("--cert-dir={}", file("certificates")),
            format!("--token-auth-file={}", file("tokens")),
            "--authorization-mode=RBAC".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-signing-key-file={}", file("accounts.key")),
            format!("--service-account-key-file={}", file("accounts.key")),
            "--allow-privileged=true".to_owned(),
            // Nobody here resolves the names of Nodes.
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
            format!("--audit-policy-file={}", file("audit.yaml")),
            format!("--audit-log-path={}", file("audit.log")),
        ];
        words.extend(self.flags.iter().cloned());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut server = Daemon::start(&words, &self.directory.join("server.log"));
        let ready = ["get", "--raw", "/readyz"];
        // Until it listens, kubectl would but take the processor from it.
        let address = self.address();
        server.until("the API server listens", || std::net::TcpStream::connect(address).is_ok());
        server.until("the API server is ready", || self.try_kubectl(&ready).code == 0);
        self.server = Some(server);
    }

    /// Where it is reached.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (self.address, PORT).into()
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address())
    }

    /// The API server's process ID.
    ///
    /// # Panics
    /// Where it was killed.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.server.as_ref().expect("the API server runs").id()
    }

    /// Writes a file beside the server's own, and says where it is.
    ///
    /// # Panics
    /// Where it can't be written.
    #[must_use]
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.join(name);
        self.node.write(&path, text);
        path
    }

    /// A file that the server keeps: its certificate, the key of service accounts.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The requests that the server answered so far, or began to answer, of clients with this in their user agent.
    ///
    /// # Panics
    /// Where the server's record can't be read.
    #[must_use]
    pub fn requests(&self, agent: &str) -> Vec<Request> {
        requests::read(&self.directory.join("audit.log"), agent)
    }

    /// What etcd and the API server said.
    #[must_use]
    pub fn said(&self) -> String {
        let server = self.server.as_ref().map(Daemon::said).unwrap_or_default();
        format!("{}\n{server}", self.etcd.said())
    }
}

/// Both families, the server's own first.
pub(crate) fn service_ranges(server: IpAddr) -> &'static str {
    if server.is_ipv4() { "10.96.0.0/16,fd96::/112" } else { "fd96::/112,10.96.0.0/16" }
}
