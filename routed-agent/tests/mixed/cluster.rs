//! An API server and the machines of its Nodes, on one switch.

use std::path::Path;

use sandbox::{ADMIN, ApiServer, Lan, Node, PATIENCE, Place, eventually};
use serde_json::{Value, json};

use crate::member::Member;

/// How our annotations begin.
pub(crate) const PREFIX: &str = "flannel.alpha.coreos.com/";

/// The number of the API server on the switch.
pub(crate) const SERVER: u8 = 254;

/// How pods' packets cross from node to node, and in which families.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// net-conf.json's `Backend`.
    backend: &'static str,
    /// 4, 6 or both.
    families: &'static [u8],
    /// How flanneld makes its packet rules.
    nftables: bool,
}

impl Shape {
    pub(crate) const VXLAN: Self =
        Self { backend: r#"{"Type": "vxlan"}"#, families: &[4, 6], nftables: false };
    pub(crate) const DIRECT: Self =
        Self { backend: r#"{"Type": "vxlan", "DirectRouting": true}"#, families: &[4, 6], nftables: false };
    pub(crate) const HOST_GW: Self =
        Self { backend: r#"{"Type": "host-gw"}"#, families: &[4, 6], nftables: false };

    /// The same in other families.
    pub(crate) const fn only(self, families: &'static [u8]) -> Self {
        Self { families, ..self }
    }

    /// The same with flanneld's packet rules made by `nft`.
    pub(crate) const fn by_nftables(self) -> Self {
        Self { nftables: true, ..self }
    }

    fn has(self, family: u8) -> bool {
        self.families.contains(&family)
    }

    pub(crate) fn net_conf(self) -> String {
        let backend: Value = serde_json::from_str(self.backend).expect("JSON");
        json!({
            "EnableIPv4": self.has(4), "Network": "10.244.0.0/16",
            "EnableIPv6": self.has(6), "IPv6Network": "fd00:10:244::/48",
            "EnableNFTables": self.nftables,
            "Backend": backend,
        })
        .to_string()
    }

    /// The pods of a Node of this number.
    pub(crate) fn subnets(self, number: u8) -> Vec<String> {
        let all = [(4, format!("10.244.{number}.0/24")), (6, format!("fd00:10:244:{number}::/64"))];
        all.into_iter().filter(|(family, _)| self.has(*family)).map(|(_, subnet)| subnet).collect()
    }

    /// Addresses on the switch, with their prefix lengths.
    pub(crate) fn underlay(self, host: u8) -> Vec<String> {
        let all = [(4, format!("192.0.2.{host}/24")), (6, format!("2001:db8::{host}/64"))];
        all.into_iter().filter(|(family, _)| self.has(*family)).map(|(_, address)| address).collect()
    }
}

/// The machines, numbered from 1: Node `nodeN` at `192.0.2.N` with pods in `10.244.N.0/24`.
pub(crate) struct Cluster<'node> {
    pub(crate) shape: Shape,
    // Agents end before the server.
    pub(crate) members: Vec<Member<'node>>,
    pub(crate) api: ApiServer<'node>,
}

impl<'node> Cluster<'node> {
    /// Three machines, their Nodes, and nothing that works on them.
    pub(crate) fn new(node: &'node Node, shape: Shape) -> Self {
        let cluster = Self::without_nodes(node, shape);
        for number in 1..=3 {
            cluster.join(number, &format!("node{number}"), number);
        }
        cluster
    }

    /// Three machines that nobody knows.
    pub(crate) fn without_nodes(node: &'node Node, shape: Shape) -> Self {
        let lan = Lan::new(node, "lan0");
        let addresses = shape.underlay(SERVER);
        lan.route(&addresses.iter().map(String::as_str).collect::<Vec<_>>());
        let server = addresses[0].split_once('/').and_then(|(address, _)| address.parse().ok());
        let api = ApiServer::at(node, server.expect("an address"), &[]);
        let members = (1..=3).map(|number| Member::new(node, &lan, shape, number)).collect();
        let cluster = Self { shape, members, api };
        cluster.grant();
        cluster
    }

    /// Gives agents their rights, by our manifests.
    pub(crate) fn grant(&self) {
        self.api.apply_path(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/trestle.yaml"));
    }

    /// Creates a Node for a machine: of this name, with the pods of this number, at the machine's address.
    pub(crate) fn join(&self, machine: u8, name: &str, number: u8) {
        let addresses: Vec<Value> = self
            .member(machine)
            .addresses()
            .iter()
            .map(|ip| json!({"type": "InternalIP", "address": ip}))
            .collect();
        let subnets = self.shape.subnets(number);
        self.api.create(&json!({
            "apiVersion": "v1",
            "kind": "Node",
            // The controller manager writes this one, and without any annotation flanneld panics.
            "metadata": {"name": name, "annotations": {"node.alpha.kubernetes.io/ttl": "0"}},
            "spec": {"podCIDR": subnets[0], "podCIDRs": subnets},
            "status": {"addresses": addresses},
        }));
    }

    pub(crate) fn member(&self, number: u8) -> &Member<'node> {
        &self.members[usize::from(number) - 1]
    }

    pub(crate) fn member_mut(&mut self, number: u8) -> &mut Member<'node> {
        &mut self.members[usize::from(number) - 1]
    }

    /// What the agent of a Node shows the API server: the token of its own Pod.
    pub(crate) fn credentials(&self, name: &str) -> String {
        self.api.portable_kubeconfig_of(&self.api.pod_token("trestle", "routed-agent", name))
    }

    /// Starts our agent on a machine, as the Node of that number.
    pub(crate) fn start_agent(&mut self, number: u8) {
        let name = format!("node{number}");
        self.start_agent_as(number, &name);
    }

    /// Starts our agent on a machine, as a Node of any name.
    pub(crate) fn start_agent_as(&mut self, number: u8, name: &str) {
        let credentials = self.credentials(name);
        let member = self.member_mut(number);
        member.write("/run/kubeconfig", &credentials);
        member.start_agent(name);
    }

    /// Starts agents on these machines and waits until they are ready.
    pub(crate) fn start_agents(&mut self, numbers: &[u8]) {
        for number in numbers {
            self.start_agent(*number);
        }
        for number in numbers {
            self.member(*number).wait_ready();
        }
    }

    /// Starts flanneld on a machine and waits until it works. It may do everything.
    pub(crate) fn start_flanneld(&mut self, number: u8) {
        let credentials = self.api.portable_kubeconfig_of(ADMIN);
        let member = self.member_mut(number);
        member.write("/run/kubeconfig", &credentials);
        member.start_flanneld();
    }

    /// A Node as the server has it.
    pub(crate) fn seen(&self, name: &str) -> Value {
        let text = self.api.kubectl(&["get", "node", name, "-o=json"]).stdout;
        serde_json::from_str(&text).expect("kubectl prints JSON")
    }

    /// What a Node says of itself in flannel's words, without the prefix.
    pub(crate) fn announced(&self, name: &str) -> Vec<(String, String)> {
        let seen = self.seen(name);
        let all = seen["metadata"]["annotations"].as_object().into_iter().flatten();
        all.filter_map(|(key, value)| {
            Some((key.strip_prefix(PREFIX)?.to_owned(), value.as_str()?.to_owned()))
        })
        .collect()
    }

    /// Waits until the Node says that its pods have a network.
    pub(crate) fn wait_available(&self, name: &str) {
        self.wait_condition(name, "NetworkUnavailable", "False");
    }

    /// Waits until a condition of the Node has this status, and hands back its message.
    pub(crate) fn wait_condition(&self, name: &str, kind: &str, status: &str) -> String {
        let mut message = None;
        let came = eventually(PATIENCE * 3, || {
            let conditions = self.seen(name)["status"]["conditions"].clone();
            let mut all = conditions.as_array().into_iter().flatten();
            let found = all.find(|one| one["type"] == kind && one["status"] == status);
            message = found.map(|one| one["message"].as_str().unwrap_or_default().to_owned());
            message.is_some()
        });
        assert!(came, "{name}, not {kind} {status}: {}", self.seen(name)["status"]["conditions"]);
        message.unwrap_or_default()
    }

    /// Waits until this machine has a route to each pod subnet of that number, by that address of the switch; or none.
    pub(crate) fn wait_route(&self, machine: u8, number: u8, host: Option<u8>) {
        let member = self.member(machine);
        let holds = || {
            self.shape.subnets(number).iter().zip(self.shape.underlay(host.unwrap_or_default())).all(
                |(subnet, address)| {
                    let address = address.split_once('/').map_or("", |(address, _)| address);
                    let ways = member.ways(subnet);
                    if host.is_some() { ways.contains(&format!(" {address} ")) } else { ways.is_empty() }
                },
            )
        };
        assert!(
            eventually(PATIENCE, holds),
            "{}: pods of {number} by {host:?}\n{}\n{}",
            member.machine.name(),
            member.machine.sh("ip route; ip -6 route; bridge fdb | grep dst || :").stdout,
            member.log()
        );
    }
}
