//! The kubelet: `kubelet.config.k8s.io/v1beta1`.

use serde_json::json;

use crate::{ADMIN, ApiServer, Containerd, Daemon, Node, Place, cached};

/// Where Pods ask for names, if somebody has made a Service that answers there.
pub const CLUSTER_DNS: [&str; 2] = ["10.96.0.10", "fd96::a"];

/// What a kubelet writes for all of the machine (`setupKernelTunables`), and the value it wants there. It finds them
/// so, and writes nothing.
const SYSCTLS: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Makes the place ready, once: directories, sysctls, the control group.
pub(super) fn prepare(node: &Node, containerd: &Containerd) {
    let runtime = containerd.runtime();
    let scratch = runtime.scratch().display().to_string();
    runtime.within(|| {
        node.write(format!("{scratch}/resolv.conf"), "nameserver 192.0.2.53\n");
        for (path, value) in SYSCTLS {
            node.write(format!("{scratch}/sysctl/{path}"), &format!("{value}\n"));
        }
    });
    runtime.sh(&preparation(&scratch, &format!("/{}", runtime.cgroup())));
}

/// Starts one for the Node of this name and addresses, beside its containerd.
pub(super) fn start(
    node: &Node,
    api: &ApiServer,
    containerd: &Containerd,
    (name, addresses): (&str, &[String]),
) -> Daemon {
    let runtime = containerd.runtime();
    let scratch = runtime.scratch().display().to_string();
    let config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": format!("unix://{}", containerd.socket()),
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", runtime.cgroup()),
        "enforceNodeAllocatable": [],
        "failCgroupV1": false,
        "failSwapOn": false,
        "oomScoreAdj": 0,
        "maxOpenFiles": 20000,
        "clusterDNS": CLUSTER_DNS,
        "clusterDomain": "cluster.local",
        "resolvConf": format!("{scratch}/resolv.conf"),
        "podLogsDir": format!("{scratch}/pods"),
        "volumePluginDir": format!("{scratch}/volumes"),
        // The machine is shared with others, and a test is no place to be thrifty in.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "10Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "nodeStatusUpdateFrequency": "1s",
        "kubeAPIQPS": 1000,
        "kubeAPIBurst": 1000,
        // What a crowd has to tell nobody reads.
        "eventRecordQPS": 10,
        "eventBurst": 50,
    });
    let credentials = api.portable_kubeconfig_of(ADMIN);
    runtime.within(|| {
        node.write(format!("{scratch}/kubelet.json"), &config.to_string());
        node.write(format!("{scratch}/kubeconfig"), &credentials);
    });
    let program = cached("kubernetes/kubelet").display().to_string();
    let words = [
        &program,
        &format!("--config={scratch}/kubelet.json"),
        &format!("--kubeconfig={scratch}/kubeconfig"),
        &format!("--root-dir={scratch}/kubelet"),
        &format!("--cert-dir={scratch}/certificates"),
        &format!("--hostname-override={name}"),
        &format!("--node-ip={}", addresses.join(",")),
    ];
    runtime.start("kubelet", &words.map(String::as_str))
}

/// Directories of the machine that a kubelet writes to, whatever it is told, become its own; of `/var/lib` what plugins
/// keep stays. Sysctls of the machine are shadowed. The control group is made in each hierarchy.
fn preparation(scratch: &str, group: &str) -> String {
    let shadow = |(path, _): (&str, &str)| format!("mount --bind {scratch}/sysctl/{path} /proc/sys/{path}\n");
    format!(
        "mkdir {scratch}/plugins
         mount --bind /var/lib/cni {scratch}/plugins
         mount -t tmpfs tmpfs /var/lib
         mkdir /var/lib/cni
         mount --move {scratch}/plugins /var/lib/cni
         mount -t tmpfs tmpfs /var/log
         {}
         cd /sys/fs/cgroup
         if [ -e cgroup.controllers ]; then
             for one in $(cat cgroup.controllers); do echo +$one >cgroup.subtree_control || :; done
             mkdir .{group}
         else
             for all in */; do mkdir -p $all{group}; done
         fi",
        SYSCTLS.map(shadow).concat()
    )
}
