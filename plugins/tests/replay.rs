//! Calls as runtimes that can't be had here send them: CRI-O, Multus, nerdctl; and the habits of containerd and
//! podman at the edge of the specification.

use std::path::{Path, PathBuf};

use sandbox::{Allowed, Call, Node, Place, Pod, Snapshot};
use serde_json::{Value, json};

/// The bridge of every configuration here.
const BRIDGE: &str = "cni0";

/// What the kubelet's runtimes put into `CNI_ARGS`.
const KUBERNETES: &str = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=0e6f";

fn node() -> (Node, PathBuf) {
    let node = Node::enter();
    let bin = node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &["bridge", "host-local", "loopback"]);
    (node, bin)
}

fn nothing_left(before: &Snapshot, node: &Node) {
    let standing =
        before.clone().forgiving(&Allowed::after_del(BRIDGE)).forgiving(&[Allowed::RulesOf("trestle")]);
    standing.assert_same(&Snapshot::take(node));
}

/// Bridge and host-local as libcni hands them to a plugin: keys sorted, the list's name and version filled in.
fn conf(network: &str, version: &str) -> Value {
    json!({
        "bridge": BRIDGE,
        "cniVersion": version,
        "ipMasq": true,
        "ipam": { "ranges": [[{ "subnet": "10.85.0.0/16" }], [{ "subnet": "fd85::/64" }]], "type": "host-local" },
        "isDefaultGateway": true,
        "name": network,
        "type": "bridge",
    })
}

/// The same configuration with one more key.
fn with(mut conf: Value, key: &str, value: Value) -> Value {
    conf[key] = value;
    conf
}

fn call(bin: &Path, pod: &Pod) -> Call {
    Call::new(bin.join("bridge")).container("c1").netns(pod).ifname("eth0").args(KUBERNETES)
}

#[test]
fn cri_o_adds_checks_at_once_and_again_after_its_restart_and_deletes_twice() {
    let (node, bin) = node();
    let pod = node.pod("p");
    let before = Snapshot::take(&node);
    let given = json!({
        "bandwidth": {},
        "cgroupPath": "/kubepods.slice/pod0e6f",
        "io.kubernetes.cri-o.PodAnnotations": { "a": "b" },
    });
    let conf = with(conf("crio", "1.0.0"), "runtimeConfig", given);
    let call = call(&bin, &pod);
    let result = call.clone().command("ADD").conf(&conf).run().result();
    pod.ping("10.85.0.1");
    pod.ping("fd85::1");
    let cached = with(conf.clone(), "prevResult", result);
    for _ in ["after ADD", "after the restart"] {
        call.clone().command("CHECK").conf(&cached).run().succeeded();
    }
    call.clone().command("DEL").conf(&cached).run().succeeded();
    // The namespace and the cache are gone; the network is taken from disk.
    let late = call.without("CNI_NETNS").env("CNI_NETNS", "").command("DEL");
    late.conf(&conf).run().succeeded();
    nothing_left(&before, &node);
}

#[test]
fn cri_o_asks_every_plugin_for_its_versions_whenever_a_file_changes() {
    let (_node, bin) = node();
    for plugin in ["bridge", "host-local", "loopback"] {
        // libcni fills in what very old plugins want to see.
        let call = Call::new(bin.join(plugin)).command("VERSION").env("CNI_NETNS", "dummy").ifname("dummy");
        let answer = call.path("dummy").conf(json!({ "cniVersion": "1.0.0" })).run().result();
        let versions = answer["supportedVersions"].as_array().cloned().unwrap_or_default();
        assert!(versions.contains(&json!("0.3.1")) && versions.contains(&json!("1.1.0")), "{answer}");
    }
}

#[test]
fn cri_o_sends_null_for_a_network_it_forgot_and_the_live_pod_stays() {
    let (node, bin) = node();
    let pod = node.pod("p");
    let conf = conf("secondary", "1.1.0");
    let call = call(&bin, &pod);
    let result = call.clone().command("ADD").conf(&conf).run().result();
    let with_pod = Snapshot::take(&node);
    let garbage = with(conf.clone(), "cni.dev/valid-attachments", Value::Null);
    let garbage = with(garbage, "cni.dev/attachments", Value::Null);
    let gc = Call::new(bin.join("bridge")).command("GC");
    gc.conf(&garbage).run().succeeded();
    with_pod.assert_same(&Snapshot::take(&node));
    pod.ping("10.85.0.1");
    call.command("CHECK").conf(with(conf, "prevResult", result)).run().succeeded();
}

#[test]
fn multus_gives_one_container_several_interfaces_and_takes_each_by_itself() {
    let (node, bin) = node();
    let pod = node.pod("p");
    let before = Snapshot::take(&node);
    // The default network, then two more interfaces: one of another network, one of the same network again.
    let ranges = json!([[{ "subnet": "10.86.0.0/24" }]]);
    let other = with(conf("other", "1.0.0"), "ipam", json!({ "type": "host-local", "ranges": ranges }));
    let other = with(with(other, "bridge", json!("cni1")), "isDefaultGateway", json!(false));
    let chosen = json!({ "ips": ["10.86.0.77/24"], "mac": "02:00:00:00:00:77" });
    let other = with(other, "runtimeConfig", chosen);
    let again = with(conf("default", "1.0.0"), "isDefaultGateway", json!(false));
    let interfaces = [("eth0", conf("default", "1.0.0")), ("net1", other), ("net2", again)];
    let call = call(&bin, &pod);
    let results = interfaces.clone().map(|(ifname, conf)| {
        let result = call.clone().ifname(ifname).command("ADD").conf(&conf).run().result();
        with(conf, "prevResult", result)
    });
    assert_eq!(pod.links(), ["eth0", "lo", "net1", "net2"]);
    assert_eq!(results[1]["prevResult"]["ips"][0]["address"], "10.86.0.77/24");
    assert!(pod.exec(&["ip", "link", "show", "net1"]).stdout.contains("02:00:00:00:00:77"));

    call.clone().ifname("net2").command("DEL").conf(&results[2]).run().succeeded();
    call.clone().ifname("net1").command("DEL").conf(&results[1]).run().succeeded();
    assert_eq!(pod.links(), ["eth0", "lo"]);
    call.clone().command("CHECK").conf(&results[0]).run().succeeded();
    pod.ping("10.85.0.1");
    call.command("DEL").conf(&results[0]).run().succeeded();
    nothing_left(&before.forgiving(&[Allowed::Bridge("cni1")]), &node);
}

#[test]
fn nerdctl_deletes_when_the_task_and_its_namespace_are_gone() {
    let (node, bin) = node();
    let before = Snapshot::take(&node);
    let pod = node.pod("p");
    let conf = with(conf("bridge", "1.0.0"), "hairpinMode", json!(true));
    let call =
        call(&bin, &pod).container("default-4f6c").args("IgnoreUnknown=1;NERDCTL_CNI_DHCP_HOSTNAME=web");
    let result = call.clone().command("ADD").conf(&conf).run().result();
    pod.ping("10.85.0.1");
    pod.remove();
    let late = call.env("CNI_NETNS", "").command("DEL").conf(with(conf, "prevResult", result));
    late.run().succeeded();
    nothing_left(&before, &node);
}

#[test]
fn nerdctl_and_nomad_read_name_and_version_from_a_plugin_without_a_command() {
    let (_node, bin) = node();
    for plugin in ["bridge", "host-local", "loopback"] {
        let reply = Call::new(bin.join(plugin)).run();
        assert_eq!(reply.code, 0, "{reply:?}");
        let said = format!("{}{}", reply.stdout, reply.stderr);
        let version =
            said.strip_prefix(&format!("CNI {plugin} plugin v")).unwrap_or_else(|| panic!("{said}"));
        assert!(version.split('.').next().is_some_and(|major| major.parse::<u32>().is_ok()), "{said}");
    }
}

#[test]
fn containerd_spells_keys_as_go_does_and_deletes_again_without_anything() {
    let (node, bin) = node();
    let pod = node.pod("p");
    let before = Snapshot::take(&node);
    let ipam = json!({ "type": "host-local" });
    let given = json!({
        "ipRanges": [[{ "Subnet": "10.87.0.0/24", "RangeStart": "10.87.0.20", "RangeEnd": "", "Gateway": "" }]],
        "dns": { "Servers": ["9.9.9.9"], "Searches": null, "Options": null },
        "bandwidth": { "IngressRate": 10_000_000, "IngressBurst": 4_294_967_295_u32, "EgressRate": 0, "EgressBurst": 0 },
        "portMappings": [{ "HostPort": 8081, "ContainerPort": 80, "Protocol": "tcp", "HostIP": "" }],
    });
    let conf = with(with(conf("k8s", "1.0.0"), "ipam", ipam), "runtimeConfig", given);
    let call = call(&bin, &pod);
    let result = call.clone().command("ADD").conf(&conf).run().result();
    let addresses: Vec<&str> =
        result["ips"].as_array().into_iter().flatten().filter_map(|ip| ip["address"].as_str()).collect();
    assert!(addresses.contains(&"10.87.0.20/24"), "{result}");
    call.clone().command("DEL").conf(with(conf.clone(), "prevResult", result)).run().succeeded();
    call.env("CNI_NETNS", "").command("DEL").conf(&conf).run().succeeded();
    nothing_left(&before, &node);
}

#[test]
fn containerd_attaches_lo_and_eth0_of_one_pod_at_the_same_time() {
    let (node, bin) = node();
    let pod = node.pod("p");
    let before = Snapshot::take(&node);
    let loopback = json!({ "cniVersion": "0.3.1", "name": "cni-loopback", "type": "loopback" });
    let lo = Call::new(bin.join("loopback"))
        .container("c1")
        .netns(&pod)
        .ifname("lo")
        .args(KUBERNETES)
        .conf(&loopback);
    let eth0 = call(&bin, &pod).conf(conf("k8s", "1.0.0"));
    let both = [&lo, &eth0].map(|call| call.clone().command("ADD").spawn());
    for running in both {
        running.wait().succeeded();
    }
    pod.ping("127.0.0.1");
    pod.ping("10.85.0.1");
    for call in [lo, eth0] {
        call.command("DEL").run().succeeded();
    }
    nothing_left(&before, &node);
}

#[test]
fn podman_asks_for_an_address_in_args_and_then_twice_in_its_reload() {
    let (node, bin) = node();
    let pod = node.pod("p");
    let before = Snapshot::take(&node);
    let conf = with(conf("podman", "0.4.0"), "hairpinMode", json!(true));
    let args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=c;K8S_POD_NAME=c;MAC=02:00:00:00:00:50;IP=10.85.0.50";
    let call = call(&bin, &pod);
    let result = call.clone().args(args).command("ADD").conf(&conf).run().result();
    assert_eq!(result["ips"][0]["address"], "10.85.0.50/16");
    assert!(pod.exec(&["ip", "link", "show", "eth0"]).stdout.contains("02:00:00:00:00:50"));
    let second = result["ips"][1]["address"]
        .as_str()
        .and_then(|address| address.split('/').next())
        .unwrap_or_default();
    call.clone()
        .args(args)
        .command("DEL")
        .conf(with(conf.clone(), "prevResult", result.clone()))
        .run()
        .succeeded();

    let again = json!({ "ips": ["10.85.0.50", "10.85.0.50", second], "mac": "02:00:00:00:00:50" });
    let conf = with(conf, "runtimeConfig", again);
    let reloaded = call.clone().command("ADD").conf(&conf).run().result();
    assert_eq!(reloaded["ips"], result["ips"]);
    call.command("DEL").conf(&conf).run().succeeded();
    nothing_left(&before, &node);
}
