//! CoreDNS, which tells Pods where Services are: a Deployment and the Service `kube-dns`, as a cluster has them.

use sandbox::{CLUSTER_DNS, IMAGE, cached};
use serde_json::{Value, json};

/// What it serves: the cluster's own names. Nobody here knows others.
const COREFILE: &str = "\
.:53 {
    errors
    health :8082
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 0
    }
    cache 1
}
";

/// Its objects. The program is a file of the node, mounted into a Pod of the tests' image: an image of its own would have to be
/// taken in by every node.
#[must_use]
pub fn resolver() -> Vec<Value> {
    let program = cached("kubernetes/coredns");
    let metadata = |name: &str| json!({"name": name, "namespace": "kube-system"});
    let labels = json!({"k8s-app": "kube-dns"});
    vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata("coredns")}),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "system:coredns"},
            "rules": [
                {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
            ],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "system:coredns"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:coredns"},
            "subjects": [{"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}],
        }),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("coredns"), "data": {"Corefile": COREFILE}}),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata("kube-dns"),
            "spec": {
                "clusterIP": CLUSTER_DNS[0], "clusterIPs": CLUSTER_DNS, "ipFamilyPolicy": "RequireDualStack",
                "selector": labels,
                "ports": [
                    {"name": "dns", "port": 53, "protocol": "UDP"},
                    {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                ],
            },
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata("coredns"),
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
                "serviceAccountName": "coredns",
                "dnsPolicy": "Default",
                "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": "coredns", "image": IMAGE, "imagePullPolicy": "Never",
                    "command": ["/program/coredns", "-conf", "/etc/coredns/Corefile"],
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
                    "volumeMounts": [
                        {"name": "program", "mountPath": "/program", "readOnly": true},
                        {"name": "config", "mountPath": "/etc/coredns", "readOnly": true},
                    ],
                }],
                "volumes": [
                    {"name": "program", "hostPath": {"path": program.parent()}},
                    {"name": "config", "configMap": {"name": "coredns"}},
                ],
            }}},
        }),
    ]
}
