//! A real Kubernetes API server: etcd and kube-apiserver in a node's namespaces. No controller, scheduler or kubelet.

mod credentials;
mod requests;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{Daemon, Directory, IMAGE, Node, Output, Place, Relay, cached};

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

    /// Creates or changes an object to be as it is written here.
    ///
    /// # Panics
    /// Where the server refuses it.
    pub fn apply(&self, object: &Value) {
        let file = self.directory.join("object.json");
        self.node.write(&file, &object.to_string());
        self.apply_path(&file);
    }

    /// Applies manifests: a file, or all in a directory.
    ///
    /// # Panics
    /// Where the server refuses one.
    pub fn apply_path(&self, path: &Path) {
        self.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &path.display().to_string()]);
    }

    /// Creates a Node with this podCIDR, address and nothing else. Its status is set as a kubelet sets it.
    ///
    /// # Panics
    /// Where the server refuses it.
    pub fn create_node(&self, name: &str, podcidr: &str, address: &str) {
        self.create(&json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name},
            "spec": {"podCIDR": podcidr, "podCIDRs": [podcidr]},
            "status": {"addresses": [{"type": "InternalIP", "address": address}]},
        }));
    }

    /// Creates an object; a Node is taken with its status.
    ///
    /// # Panics
    /// Where the server refuses it.
    pub fn create(&self, object: &Value) {
        let file = self.directory.join("created.json");
        self.node.write(&file, &object.to_string());
        self.kubectl(&["create", "-f", &file.display().to_string()]);
    }

    /// Creates so many Nodes by one command: `node-0` with 10.0.0.0/24, `node-1` with 10.0.1.0/24, …
    ///
    /// # Panics
    /// Where the server refuses one.
    pub fn create_nodes(&self, number: u16) {
        let node = |index: u16| {
            let [high, low] = index.to_be_bytes();
            json!({
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": format!("node-{index}")},
                "spec": {"podCIDR": format!("10.{high}.{low}.0/24"), "podCIDRs": [format!("10.{high}.{low}.0/24")]},
                "status": {"addresses": [{"type": "InternalIP", "address": format!("192.168.{high}.{low}")}]},
            })
        };
        let nodes: Vec<Value> = (0..number).map(node).collect();
        let file = self.directory.join("nodes.json");
        self.node.write(&file, &json!({"apiVersion": "v1", "kind": "List", "items": nodes}).to_string());
        self.kubectl(&["create", "-f", &file.display().to_string()]);
    }

    /// A token of a service account that is bound to a new Pod on this Node, as the Pod itself would get it.
    ///
    /// # Panics
    /// Where the account isn't there.
    #[must_use]
    pub fn pod_token(&self, namespace: &str, account: &str, node: &str) -> String {
        let name = format!("{account}-{node}");
        self.apply(&json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "nodeName": node,
                "serviceAccountName": account,
                // Where there is a kubelet, it shall start without a network and without a controller manager's help.
                "hostNetwork": true,
                "automountServiceAccountToken": false,
                "containers": [{"name": "agent", "image": IMAGE, "imagePullPolicy": "Never"}],
            },
        }));
        let words = [
            "create",
            "token",
            account,
            "-n",
            namespace,
            "--bound-object-kind=Pod",
            "--bound-object-name",
            &name,
        ];
        self.kubectl(&words).stdout.trim().to_owned()
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
