//! What makes a cluster of an API server: the controller manager, which gives Nodes their podCIDRs and makes Pods of
//! DaemonSets and Deployments, and the scheduler.

use crate::api_server::service_ranges;
use crate::{ApiServer, Daemon, cached};

/// Both programs. They end with the value, and must end before the server.
#[derive(Debug)]
pub struct ControlPlane {
    manager: Daemon,
    scheduler: Daemon,
}

impl ControlPlane {
    /// Starts them beside the API server, in whose place the calling thread must be. `pods` are the cluster's networks,
    /// one of each family, as `--cluster-cidr` takes them; a Node gets a /24 or a /64 of each.
    ///
    /// # Panics
    /// Where one of them doesn't come up.
    #[must_use]
    pub fn start(api: &ApiServer, pods: &str) -> Self {
        let file = |name: &str| api.file(name).display().to_string();
        let credentials = format!("--kubeconfig={}", api.kubeconfig().display());
        let alone = [
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            // A crowd comes at once, and not twenty a second.
            "--kube-api-qps=1000",
            "--kube-api-burst=1000",
        ];
        let start = |program: &str, flags: &[String]| {
            let program_path = cached(&format!("kubernetes/{program}")).display().to_string();
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            let words = [&[program_path.as_str(), &credentials], &alone[..], &flags].concat();
            Daemon::start(&words, &api.file(&format!("{program}.log")))
        };
        let dual = pods.contains(',');
        let mut flags = vec![
            "--allocate-node-cidrs=true".to_owned(),
            format!("--cluster-cidr={pods}"),
            format!("--service-cluster-ip-range={}", service_ranges(api.address().ip())),
            format!("--service-account-private-key-file={}", file("accounts.key")),
            format!("--root-ca-file={}", file("certificates/apiserver.crt")),
            // What is gone is taken away at once.
            "--node-monitor-period=1s".to_owned(),
            "--node-monitor-grace-period=10s".to_owned(),
        ];
        if dual {
            flags.push("--node-cidr-mask-size-ipv6=64".to_owned());
        }
        let manager = start("kube-controller-manager", &flags);
        let scheduler = start("kube-scheduler", &[]);
        let mut plane = Self { manager, scheduler };
        plane.manager.until("a controller manager makes the default service account", || {
            let created = ["wait", "--for=create", "--timeout=5s", "-n=default", "serviceaccount/default"];
            api.try_kubectl(&created).code == 0
        });
        let answers = |port: u16| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        plane.scheduler.until("the scheduler listens", || answers(10259));
        plane
    }

    /// What they said at last, in whose place the calling thread must be.
    #[must_use]
    pub fn said(&self) -> String {
        let last = |daemon: &Daemon| daemon.said().lines().rev().take(15).collect::<Vec<_>>().join("\n");
        format!(
            "--- controller manager, last first\n{}\n--- scheduler\n{}\n",
            last(&self.manager),
            last(&self.scheduler)
        )
    }
}
