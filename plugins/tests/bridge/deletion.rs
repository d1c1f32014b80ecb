//! DEL in every form that runtimes send, and late ones. P-042

use sandbox::{Call, Node, Place, Pod, Snapshot};
use serde_json::{Value, json};

use crate::network::{Families, addresses, newest, with};
use crate::stage::{Stage, with_result};

/// Everything that DEL has to take away.
fn everything() -> Value {
    with(&newest(Families::Dual), &json!({ "macspoofchk": true }))
}

/// A pod that has been attached, has talked to its gateway and to the world, and the node as it was before.
struct Attached {
    stage: Stage,
    pod: Pod,
    before: Snapshot,
    result: Value,
}

impl Attached {
    fn new() -> Self {
        let stage = Stage::new();
        let pod = stage.node.pod("p1");
        let before = Snapshot::take(&stage.node);
        let result = stage.add(&pod, &everything());
        for gateway in Families::Dual.gateways() {
            pod.ping(gateway);
        }
        Self { stage, pod, before, result }
    }

    /// As libcni sends it when all is well.
    fn del(&self) -> Call {
        self.stage.call(&self.pod, &with_result(&everything(), &self.result)).command("DEL")
    }

    /// DEL succeeds in silence, nothing is left, and a second one is as good.
    fn ends_with(self, del: &Call) {
        for _ in ["DEL", "DEL again"] {
            let reply = del.run();
            reply.succeeded();
            assert_eq!(reply.stdout, "");
            self.stage.nothing_left_since(&self.before);
        }
        if self.pod.try_exec(&["true"]).code == 0 {
            assert_eq!(self.pod.links(), ["lo"]);
        }
    }
}

#[test]
fn del_with_all_that_a_runtime_knows() {
    let attached = Attached::new();
    let del = attached.del();
    attached.ends_with(&del);
}

// P-035, R-3
#[test]
fn del_without_a_previous_result() {
    let attached = Attached::new();
    let del = attached.del().conf(everything());
    attached.ends_with(&del);
}

// B-01
#[test]
fn del_with_an_empty_namespace() {
    let attached = Attached::new();
    let del = attached.del().env("CNI_NETNS", "");
    attached.ends_with(&del);
}

// B-01
#[test]
fn del_without_a_namespace_and_without_a_previous_result() {
    let attached = Attached::new();
    let del = attached.del().without("CNI_NETNS").conf(everything());
    attached.ends_with(&del);
}

// B-02
#[test]
fn del_when_the_namespaces_path_is_gone() {
    let attached = Attached::new();
    let del = attached.del().env("CNI_NETNS", "/run/netns/gone");
    attached.ends_with(&del);
}

// B-02
#[test]
fn del_when_the_namespace_is_gone() {
    let Attached { stage, pod, before, .. } = Attached::new();
    let del = stage.call(&pod, &everything()).command("DEL");
    pod.remove();
    del.run().succeeded();
    let pod = stage.node.pod("p1");
    stage.nothing_left_since(&before);
    drop(pod);
}

// A runtime that died between unmounting and unlinking leaves a file that is no namespace.
#[test]
fn del_when_a_plain_file_stands_where_the_namespace_was() {
    let attached = Attached::new();
    attached.stage.node.write("/run/sandbox-file", "");
    let del = attached.del().env("CNI_NETNS", "/run/sandbox-file");
    attached.ends_with(&del);
}

// B-03
#[test]
fn del_when_the_link_is_gone_already() {
    let attached = Attached::new();
    attached.pod.exec(&["ip", "link", "del", "eth0"]);
    let del = attached.del();
    attached.ends_with(&del);
}

// R-1: a configuration should not change in between, and does.
#[test]
fn del_with_a_configuration_that_has_changed() {
    for change in [
        json!({ "ipMasq": false, "macspoofchk": false, "bridge": "other0", "isDefaultGateway": false }),
        json!({ "ipMasqBackend": "iptables", "ipam": { "ranges": [[{ "subnet": "10.200.0.0/24" }]] } }),
        json!({ "cniVersion": "0.3.1" }),
        json!({ "ipam": { "ranges": [] } }),
    ] {
        let attached = Attached::new();
        let del = attached.del().conf(with(&everything(), &change));
        attached.ends_with(&del);
    }
}

// Upstream: "deconfigures an unconfigured bridge with DEL".
#[test]
fn del_of_what_never_was_succeeds_and_makes_nothing() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let before = Snapshot::take(&stage.node);
    for call in [stage.call(&pod, &everything()), stage.call(&pod, &everything()).without("CNI_NETNS")] {
        call.command("DEL").run().succeeded();
    }
    stage.nothing_left_since(&before);
    assert!(!stage.node.exec(&["nft", "list", "tables"]).stdout.contains("trestle"));
}

#[test]
fn del_leaves_other_containers_and_interfaces_alone() {
    let stage = Stage::new();
    let (first, second) = (stage.node.pod("p1"), stage.node.pod("p2"));
    let other = with(&everything(), &json!({ "isDefaultGateway": false, "isGateway": true }));
    let results = [stage.add(&first, &everything()), stage.add(&second, &everything())];
    let eth1 = stage.call(&first, &other).ifname("eth1");
    let third = eth1.clone().command("ADD").run().result();
    stage.del(&first, &everything(), &results[0]);
    assert_eq!(first.links(), ["eth1", "lo"]);
    eth1.command("CHECK").conf(with_result(&other, &third)).run().succeeded();
    stage.check(&second, &everything(), &results[1]).succeeded();
    second.ping("10.1.2.1");
    first.ping("10.1.2.1");
}

/// A network with one address of each family.
fn single() -> Value {
    let ranges = json!([
        [{ "subnet": "10.1.2.0/24", "rangeStart": "10.1.2.7", "rangeEnd": "10.1.2.7" }],
        [{ "subnet": "fd01:2::/64", "rangeStart": "fd01:2::7", "rangeEnd": "fd01:2::7" }],
    ]);
    with(&everything(), &json!({ "ipam": { "ranges": ranges } }))
}

/// Somebody else has the address; what the bridge has learned about it must stay, too.
fn later_owner(stage: &Stage, pod: &Pod) -> (Value, Snapshot) {
    let result = stage.add(pod, &single());
    assert_eq!(addresses(&result), ["10.1.2.7", "fd01:2::7"]);
    for gateway in Families::Dual.gateways() {
        pod.ping(gateway);
    }
    stage.node.sh("ip neigh replace 10.1.2.7 lladdr 0a:58:0a:01:02:07 dev cni0 nud permanent");
    (result, Snapshot::take(&stage.node))
}

/// Every late DEL of the old container: the later owner keeps all that it has.
fn late(stage: &Stage, del: &Call, old: &Value, new: (&Pod, &Value, &Snapshot)) {
    let (pod, result, standing) = new;
    for del in [
        del.clone().conf(with_result(&single(), old)),
        del.clone().conf(single()),
        del.clone().conf(with_result(&single(), old)).without("CNI_NETNS"),
    ] {
        del.run().succeeded();
        standing.assert_same(&Snapshot::take(&stage.node));
    }
    stage.check(pod, &single(), result).succeeded();
    pod.ping("10.1.2.1");
}

#[test]
fn a_repeated_del_takes_nothing_of_the_later_owner_of_the_address() {
    let stage = Stage::new();
    let (old, new) = (stage.node.pod("p1"), stage.node.pod("p2"));
    let first = stage.add(&old, &single());
    stage.del(&old, &single(), &first);
    let (second, standing) = later_owner(&stage, &new);
    let del = stage.call(&old, &single()).command("DEL");
    late(&stage, &del, &first, (&new, &second, &standing));
}

#[test]
fn a_late_del_takes_nothing_of_who_got_the_address_of_a_dead_container() {
    let stage = Stage::new();
    let (old, new) = (stage.node.pod("p1"), stage.node.pod("p2"));
    let first = stage.add(&old, &single());
    let del = stage.call(&old, &single()).command("DEL");
    kill(&stage.node, old);
    let (second, standing) = later_owner(&stage, &new);
    late(&stage, &del, &first, (&new, &second, &standing));
}

#[test]
fn a_late_del_takes_nothing_of_the_same_interface_on_another_network() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let old = with(&single(), &json!({ "name": "old" }));
    let first = stage.add(&pod, &old);
    stage.del(&pod, &old, &first);
    let result = stage.add(&pod, &single());
    let standing = Snapshot::take(&stage.node);
    let del = stage.call(&pod, &old).command("DEL");
    for del in [del.clone().conf(with_result(&old, &first)), del.without("CNI_NETNS")] {
        del.run().succeeded();
        standing.assert_same(&Snapshot::take(&stage.node));
    }
    stage.check(&pod, &single(), &result).succeeded();
}

/// The container dies without a DEL; where the kernel has no handles of namespaces its missing link is the proof.
fn kill(node: &Node, pod: Pod) {
    pod.remove();
    let gone = || !node.exec(&["ip", "-br", "link"]).stdout.contains("veth");
    assert!(sandbox::eventually(sandbox::PATIENCE, gone), "the host end outlives its container");
}
