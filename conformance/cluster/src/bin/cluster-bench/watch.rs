//! Pods as a watch of the API server tells of them: when each was made, and when it ran.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use cluster::Cluster;
use nix::sched::{CloneFlags, unshare};
use sandbox::{PATIENCE, Place, cached, eventually};

/// A line for each change of a Pod.
const LINE: &str = "-o=jsonpath={.metadata.name} {.status.phase}{\"\\n\"}";

/// What is known of one Pod.
struct Seen {
    made: Instant,
    ran: Option<Instant>,
}

/// `kubectl get pods --watch`, until the value goes.
pub(crate) struct Watch {
    child: Child,
    seen: Arc<Mutex<HashMap<String, Seen>>>,
}

impl Watch {
    /// Starts it; Pods that are there already are no news.
    pub(crate) fn start(cluster: &Cluster) -> Self {
        let kubeconfig = cluster.control().within(|| cluster.api().kubeconfig());
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(cached("kubernetes/kubectl"));
        command.arg(format!("--kubeconfig={}", kubeconfig.display()));
        command.args(["get", "pods", "--watch-only", LINE]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = cluster.control().within(|| command.spawn()).expect("kubectl starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let seen = Arc::new(Mutex::new(HashMap::new()));
        let known = Arc::clone(&seen);
        let (alone, is_alone) = mpsc::channel();
        thread::spawn(move || {
            // Who shares a working directory with another thread can visit no machine.
            let _ = alone.send(unshare(CloneFlags::CLONE_FS));
            for line in lines.map_while(Result::ok) {
                let now = Instant::now();
                let Some((name, phase)) = line.split_once(' ') else { continue };
                let mut all = known.lock().unwrap_or_else(PoisonError::into_inner);
                let one = all.entry(name.to_owned()).or_insert(Seen { made: now, ran: None });
                if phase == "Running" {
                    one.ran.get_or_insert(now);
                }
            }
        });
        is_alone.recv().expect("the thread lives").expect("one's own working directory is nobody's business");
        Self { child, seen }
    }

    /// Waits until so many Pods whose names begin with this run, and tells how long each took.
    pub(crate) fn running(&self, prefix: &str, number: usize) -> Vec<Duration> {
        let mut all = Vec::new();
        let came = eventually(PATIENCE * 20, || {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let ours = seen.iter().filter(|(name, _)| name.starts_with(prefix));
            all = ours.filter_map(|(_, pod)| Some(pod.ran?.duration_since(pod.made))).collect();
            all.len() >= number
        });
        assert!(came, "{} of {number} Pods {prefix}… run", all.len());
        all
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It ends with the cluster, too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
