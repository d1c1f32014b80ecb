//! What runs on the cluster and is asked: Pods that say who they are and who calls, and the Services before them.

use sandbox::IMAGE;
use serde_json::{Value, json};

/// Where Pods and Services listen.
pub const PORT: u16 = 8080;

/// The port of every node that leads to any Pod behind the Service.
pub const NODE_PORT: u16 = 30080;

/// The same by `externalTrafficPolicy: Local`: to a Pod of that node, which sees the caller.
pub const LOCAL_PORT: u16 = 30081;

/// The port of a node that leads into one Pod there.
pub const HOST_PORT: u16 = 8084;

/// Says who it is to everyone who comes, and begins its log by a word.
const SERVER: &str = r#"mkdir -p /www/cgi-bin
cat >/www/cgi-bin/who <<END
#!/bin/sh
echo "Content-Type: text/plain"
echo
echo $POD \$REMOTE_ADDR
END
chmod +x /www/cgi-bin/who
echo here
exec httpd -f -p $PORT -h /www"#;

/// A DaemonSet or Deployment of such Pods, with the label `app` of its name.
#[derive(Debug, Clone)]
pub struct Workload {
    name: &'static str,
    object: Value,
}

impl Workload {
    /// A Pod on every node.
    #[must_use]
    pub fn daemon_set(name: &'static str) -> Self {
        Self { name, object: object("DaemonSet", name) }
    }

    /// So many Pods, wherever the scheduler puts them.
    #[must_use]
    pub fn deployment(name: &'static str, replicas: u16) -> Self {
        let mut object = object("Deployment", name);
        object["spec"]["replicas"] = json!(replicas);
        Self { name, object }
    }

    /// The same on this node alone.
    #[must_use]
    pub fn on(mut self, node: &str) -> Self {
        self.spec()["nodeSelector"] = json!({"kubernetes.io/hostname": node});
        self
    }

    /// The same in the node's own network, listening there on this port.
    #[must_use]
    pub fn in_host_network(mut self, port: u16) -> Self {
        self.spec()["hostNetwork"] = json!(true);
        self.spec()["containers"][0]["env"][1]["value"] = json!(port.to_string());
        self.spec()["containers"][0]["ports"] = json!([]);
        self.spec()["containers"][0]["readinessProbe"]["httpGet"]["port"] = json!(port);
        self
    }

    /// The same with a port of the node that leads into the Pod.
    #[must_use]
    pub fn with_host_port(mut self, port: u16) -> Self {
        self.spec()["containers"][0]["ports"][0]["hostPort"] = json!(port);
        self
    }

    /// The same doing nothing but sleep: as cheap as a Pod can be.
    #[must_use]
    pub fn asleep(mut self) -> Self {
        self.spec()["containers"] = json!([{"name": "main", "image": IMAGE, "imagePullPolicy": "Never"}]);
        self
    }

    fn spec(&mut self) -> &mut Value {
        &mut self.object["spec"]["template"]["spec"]
    }

    /// The object.
    #[must_use]
    pub fn object(&self) -> Value {
        self.object.clone()
    }

    /// A Service before its Pods, in both families; `spec` says what kind, or that it is of one.
    #[must_use]
    pub fn service(&self, name: &str, spec: &Value) -> Value {
        let mut service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"}, "spec": spec,
        });
        service["spec"]["selector"] = json!({"app": self.name});
        for (key, usual) in
            [("ports", json!([{"port": PORT}])), ("ipFamilyPolicy", json!("RequireDualStack"))]
        {
            if service["spec"][key].is_null() {
                service["spec"][key] = usual;
            }
        }
        service
    }
}

fn object(kind: &str, name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "automountServiceAccountToken": false,
                    "enableServiceLinks": false,
                    "containers": [{
                        "name": "main", "image": IMAGE, "imagePullPolicy": "Never",
                        "command": ["sh", "-c", SERVER],
                        "env": [
                            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                            {"name": "PORT", "value": PORT.to_string()},
                        ],
                        "ports": [{"containerPort": PORT}],
                        "readinessProbe": {"httpGet": {"path": "/cgi-bin/who", "port": PORT}, "periodSeconds": 1},
                    }],
                },
            },
        },
    })
}
