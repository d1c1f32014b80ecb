//! The network configuration that runtimes read (section 1, "Network configuration format"): bridge with host-local,
//! then portmap. What flannel's list and its plugin come to. `subnet.env` only confirms it (host-local's `subnetFile`).

use std::path::PathBuf;

use netstate::{Family, PodNetwork};
use serde_json::{Value, json};

use crate::command::Portmap;

/// The network's name: that of flannel's manifests, because addresses are reserved under it, and a node that is
/// taken over must not give away those of pods that are there.
pub(crate) const NETWORK: &str = "cbr0";

/// The bridge, which is also the plugin's default.
pub(crate) const BRIDGE: &str = "cni0";

/// What the configuration goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConflistFacts {
    /// This node's pods, one a family at most.
    pub(crate) pods: Vec<PodNetwork>,
    /// The pods' MTU in bytes.
    pub(crate) mtu: u32,
    /// Whether portmap is there to be asked for host ports.
    pub(crate) portmap: Portmap,
    /// Where `subnet.env` is.
    pub(crate) subnet_file: PathBuf,
}

/// The configuration's text.
///
/// `cniVersion` is one that every runtime knows; those that know `cniVersions` (1.1.0) take the newest of them, and so
/// ask for STATUS and GC. The bridge doesn't masquerade: the agent does, or somebody else. host-local gives addresses only
/// while `subnet.env`, which no reboot survives, names their subnets: this list does survive one.
pub(crate) fn render(facts: &ConflistFacts) -> String {
    let mut pods = facts.pods.clone();
    pods.sort_by_key(|pods| Family::of(pods.subnet.ip()));
    let ranges: Vec<_> = pods.iter().map(|pods| json!([{ "subnet": pods.subnet }])).collect();
    let routes: Vec<_> = pods.iter().map(|pods| json!({ "dst": pods.network })).collect();
    let mut plugins = vec![json!({
        "type": "bridge",
        "bridge": BRIDGE,
        "isDefaultGateway": true,
        "hairpinMode": true,
        "mtu": facts.mtu,
        "ipam": { "type": "host-local", "ranges": ranges, "routes": routes, "subnetFile": facts.subnet_file.to_string_lossy() },
    })];
    if facts.portmap == Portmap::Chained {
        plugins.push(json!({ "type": "portmap", "capabilities": { "portMappings": true } }));
    }
    let list: Value = json!({
        "cniVersion": "1.0.0",
        "cniVersions": ["1.0.0", "1.1.0"],
        "name": NETWORK,
        "plugins": plugins,
    });
    format!("{list:#}\n")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn pods(network: &str, subnet: &str) -> PodNetwork {
        PodNetwork { network: network.parse().unwrap(), subnet: subnet.parse().unwrap() }
    }

    #[test]
    fn dual_stack_is_one_list() {
        let facts = ConflistFacts {
            pods: vec![pods("fd00::/48", "fd00:0:0:1::/64"), pods("10.244.0.0/16", "10.244.1.0/24")],
            mtu: 1430,
            portmap: Portmap::Chained,
            subnet_file: "/run/flannel/subnet.env".into(),
        };
        expect![[r#"
            {
              "cniVersion": "1.0.0",
              "cniVersions": [
                "1.0.0",
                "1.1.0"
              ],
              "name": "cbr0",
              "plugins": [
                {
                  "type": "bridge",
                  "bridge": "cni0",
                  "isDefaultGateway": true,
                  "hairpinMode": true,
                  "mtu": 1430,
                  "ipam": {
                    "type": "host-local",
                    "ranges": [
                      [
                        {
                          "subnet": "10.244.1.0/24"
                        }
                      ],
                      [
                        {
                          "subnet": "fd00:0:0:1::/64"
                        }
                      ]
                    ],
                    "routes": [
                      {
                        "dst": "10.244.0.0/16"
                      },
                      {
                        "dst": "fd00::/48"
                      }
                    ],
                    "subnetFile": "/run/flannel/subnet.env"
                  }
                },
                {
                  "type": "portmap",
                  "capabilities": {
                    "portMappings": true
                  }
                }
              ]
            }
        "#]]
        .assert_eq(&render(&facts));
    }

    #[test]
    fn without_portmap_bridge_stands_alone() {
        let facts = ConflistFacts {
            pods: vec![pods("10.244.0.0/16", "10.244.1.0/24")],
            mtu: 1500,
            portmap: Portmap::Absent,
            subnet_file: "/run/flannel/subnet.env".into(),
        };
        expect![[r#"
            {
              "cniVersion": "1.0.0",
              "cniVersions": [
                "1.0.0",
                "1.1.0"
              ],
              "name": "cbr0",
              "plugins": [
                {
                  "type": "bridge",
                  "bridge": "cni0",
                  "isDefaultGateway": true,
                  "hairpinMode": true,
                  "mtu": 1500,
                  "ipam": {
                    "type": "host-local",
                    "ranges": [
                      [
                        {
                          "subnet": "10.244.1.0/24"
                        }
                      ]
                    ],
                    "routes": [
                      {
                        "dst": "10.244.0.0/16"
                      }
                    ],
                    "subnetFile": "/run/flannel/subnet.env"
                  }
                }
              ]
            }
        "#]]
        .assert_eq(&render(&facts));
    }
}
