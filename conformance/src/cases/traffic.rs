//! What packets see: both families, ping, TCP, UDP, SCTP, full-size packets, host ports, masquerade.

use std::net::{IpAddr, SocketAddr};

use sandbox::Place;
use serde_json::{Value, json};

use crate::attachment::Attachment;
use crate::case::{Case, Of};
use crate::cases::breakage::NO_DEL;
use crate::stage::Stage;
use crate::traffic::{full_size, ping, sctp, tcp, udp};
use crate::unmet::{Outcome, Unmet, fail, require};

/// Those whose pods reach the node.
const ROUTED: Of = Of::Plugins(&["bridge", "ptp", "flannel"]);

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "traffic.node",
        says: "a pod and its node reach each other by ping, TCP, UDP and SCTP, with full-size packets, in both families",
        source: "CNI spec, general considerations; Kubernetes' network model",
        of: ROUTED,
        check: |stage| {
            let a = pod(stage)?;
            let result = a.add()?;
            let mtu = a.link()["mtu"].as_u64().unwrap_or(1500);
            for address in addresses(&result)? {
                ping(stage.node, address).map_err(Unmet::Fails)?;
                reach(&a.pod, address, stage.node)?;
                full_size(stage.node, address, mtu).map_err(Unmet::Fails)?;
            }
            a.del()
        },
        broken: r#"real; code=$?; on ADD && drops 'meta length > 1400'; exit "$code""#,
    },
    Case {
        id: "traffic.pods",
        says: "two pods of a network reach each other by ping, TCP, UDP and SCTP, with full-size packets, in both families",
        source: "Kubernetes' network model",
        of: Of::Plugins(&["bridge", "ptp", "flannel", "macvlan", "ipvlan"]),
        check: |stage| {
            let (a, b) = (pod(stage)?, pod(stage)?);
            let (result, _) = (a.add()?, b.add()?);
            let mtu = b.link()["mtu"].as_u64().unwrap_or(1500);
            for address in addresses(&result)? {
                ping(&b.pod, address).map_err(Unmet::Fails)?;
                reach(&a.pod, address, &b.pod)?;
                full_size(&b.pod, address, mtu).map_err(Unmet::Fails)?;
            }
            b.del()?;
            a.del()
        },
        broken: r#"real; code=$?; on ADD && drops 'ip6 nexthdr tcp'; exit "$code""#,
    },
    Case {
        id: "traffic.beyond",
        says: "a pod reaches who is at the other end of its master's or its device's cable, and is reached, by ping, TCP, UDP and SCTP, with full-size packets, in both families",
        source: "cni.dev, the plugins' pages",
        of: Of::Plugins(&["macvlan", "ipvlan", "vlan", "host-device"]),
        check: beyond,
        broken: r#"real; code=$?; on ADD && drops 'meta l4proto udp'; exit "$code""#,
    },
    Case {
        id: "traffic.itself",
        says: "a pod reaches its own addresses by ping, TCP, UDP and SCTP, in both families",
        source: "cni.dev, loopback and dummy",
        of: Of::Plugins(&["loopback", "dummy"]),
        check: |stage| {
            let a = pod(stage)?;
            let result = a.add()?;
            if stage.name == "dummy" {
                a.inside("ip link set lo up");
            }
            for address in addresses(&result)? {
                ping(&a.pod, address).map_err(Unmet::Fails)?;
                reach(&a.pod, address, &a.pod)?;
            }
            a.del()
        },
        broken: r#"real; code=$?; on ADD && drops 'meta nfproto ipv6 meta l4proto tcp'; exit "$code""#,
    },
    Case {
        id: "traffic.host-port",
        says: "a host port leads to the container's port, by TCP, UDP and SCTP, from the node and from another pod, in both families",
        source: "CONVENTIONS.md, portMappings; Kubernetes' hostPort",
        of: Of::Plugins(&["portmap"]),
        check: host_port,
        broken: r#"hears 'del(.runtimeConfig.portMappings[]? | select(.protocol == "udp"))'"#,
    },
    Case {
        id: "traffic.host-port-goes-with-del",
        says: "after DEL the host port leads nowhere",
        source: "CNI spec 2, DEL; P-042",
        of: Of::Plugins(&["portmap"]),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            let port = 8000 + u16::try_from(a.number).unwrap_or_default();
            let to = SocketAddr::from(([127, 0, 0, 1], port));
            let there: SocketAddr = (a.own_addresses().0, 80).into();
            tcp(&a.pod, there, stage.node, to).map_err(Unmet::Fails)?;
            a.del()?;
            let seen = tcp(&a.pod, there, stage.node, to);
            require!(seen.is_err(), "the port {port} still leads to the container, which saw {seen:?}");
            Ok(())
        },
        broken: NO_DEL,
    },
    Case {
        id: "traffic.masquerade",
        says: "with ipMasq a pod appears beyond the node under the node's address, and within its own network under its own",
        source: "CONVENTIONS.md, ipMasq; P-031",
        of: Of::Plugins(&["bridge", "ptp"]),
        check: masquerade,
        broken: "hears '.ipMasq = false'",
    },
    Case {
        id: "traffic.firewall",
        says: "a pod that the firewall plugin knows is let through where forwarding is dropped otherwise",
        source: "the reference's firewall: its rules accept what a host's policy drops",
        of: Of::Plugins(&["firewall"]),
        check: |stage| {
            stage.host("iptables -P FORWARD DROP; echo 1 >/proc/sys/net/ipv4/ip_forward");
            let (a, b) = (stage.attachment()?, stage.attachment()?);
            let to = SocketAddr::from((a.own_addresses().0, 80));
            let before = tcp(&a.pod, to, &b.pod, to);
            require!(before.is_err(), "the policy drops nothing: {before:?}");
            a.add()?;
            b.add()?;
            tcp(&a.pod, to, &b.pod, to).map_err(Unmet::Fails)?;
            b.del()?;
            a.del()?;
            let after = tcp(&a.pod, to, &b.pod, to);
            require!(after.is_err(), "after DEL packets still pass: {after:?}");
            Ok(())
        },
        broken: r#"heard; on ADD && { printf %s "$in" | jq -c .prevResult; exit 0; }; go"#,
    },
    Case {
        id: "traffic.ingress-policy",
        says: "with ingressPolicy same-bridge containers of one bridge reach each other, and those of another bridge do not",
        source: "cni.dev, firewall; nerdctl's networks; part 3: \"should allow communication within foo network\", \"should prevent communication between foo and bar networks\"",
        of: Of::Plugins(&["firewall"]),
        check: ingress_policy,
        broken: "hears 'del(.ingressPolicy)'",
    },
];

/// An attachment with addresses of both families.
pub(crate) fn pod<'s>(stage: &'s Stage<'s>) -> Result<Attachment<'s>, Unmet> {
    let mut a = stage.attachment()?;
    if stage.specimen.ipam == crate::specimen::Ipam::Delegates {
        let [v4, v6] = crate::specimen::SUBNETS;
        a.conf["ipam"] = json!({
            "type": "host-local",
            "ranges": [[{ "subnet": v4 }], [{ "subnet": v6 }]],
            "routes": [{ "dst": "0.0.0.0/0" }, { "dst": "::/0" }],
        });
    }
    Ok(a)
}

/// The addresses of a result.
pub(crate) fn addresses(result: &Value) -> Result<Vec<IpAddr>, Unmet> {
    let all = result["ips"].as_array().into_iter().flatten();
    let texts = all.filter_map(|ip| ip["address"].as_str()?.split('/').next());
    let addresses: Vec<IpAddr> = texts.filter_map(|text| text.parse().ok()).collect();
    if addresses.is_empty() {
        fail!("no address in {result}");
    }
    Ok(addresses)
}

/// The address of the node on the network of this one.
fn gateway(result: &Value, address: IpAddr) -> Result<IpAddr, Unmet> {
    let all = result["ips"].as_array().into_iter().flatten();
    let gateways = all.filter_map(|ip| ip["gateway"].as_str()?.parse().ok());
    match gateways.into_iter().find(|gateway: &IpAddr| gateway.is_ipv4() == address.is_ipv4()) {
        Some(gateway) => Ok(gateway),
        None => fail!("no gateway of {address} in {result}"),
    }
}

/// A server at this address in one place is reached from another.
fn reach(server: &impl Place, address: IpAddr, client: &impl Place) -> Outcome {
    let to = SocketAddr::new(address, 8080);
    tcp(server, to, client, to).map_err(Unmet::Fails)?;
    udp(server, to, client, to).map_err(Unmet::Fails)?;
    sctp(server, to, client, to).map_err(Unmet::Fails)?;
    Ok(())
}

fn beyond(stage: &Stage<'_>) -> Outcome {
    let a = pod(stage)?;
    let result = a.add()?;
    let device = match stage.name {
        "host-device" => format!("far{}", a.number),
        "vlan" => {
            stage.host(&format!("ip link add link world name beyond type vlan id {}", a.conf["vlanId"]));
            "beyond".to_owned()
        }
        _ => "world".to_owned(),
    };
    stage.host(&format!(
        "ip link set {device} up; ip addr add 10.77.0.1/16 dev {device}; ip addr add fd77::1/64 dev {device} nodad"
    ));
    let mtu = a.link()["mtu"].as_u64().unwrap_or(1500);
    for address in addresses(&result)? {
        let there = gateway(&result, address)?;
        ping(stage.node, address).map_err(Unmet::Fails)?;
        ping(&a.pod, there).map_err(Unmet::Fails)?;
        reach(&a.pod, address, stage.node)?;
        reach(stage.node, there, &a.pod)?;
        full_size(stage.node, address, mtu).map_err(Unmet::Fails)?;
        full_size(&a.pod, there, mtu).map_err(Unmet::Fails)?;
    }
    a.del()
}

fn host_port(stage: &Stage<'_>) -> Outcome {
    stage.host("echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
    let a = stage.attachment()?;
    let mapping = |protocol: &str| json!({ "hostPort": 8080, "containerPort": 80, "protocol": protocol });
    let ports = json!([mapping("tcp"), mapping("udp"), mapping("sctp")]);
    let a = a.with(&json!({ "runtimeConfig": { "portMappings": ports } }));
    // Another pod, which no plugin knows.
    let b = stage.attachment()?;
    a.add()?;
    let (v4, v6) = a.own_addresses();
    let in_pod: [SocketAddr; 2] = [(v4, 80).into(), (v6, 80).into()];
    let of_node: [SocketAddr; 2] =
        [([10, 78, 0, 1], 8080).into(), ([0xfd78, 0, 0, 0, 0, 0, 0, 1], 8080).into()];
    for (bind, to) in in_pod.into_iter().zip(of_node) {
        tcp(&a.pod, bind, &b.pod, to).map_err(Unmet::Fails)?;
        udp(&a.pod, bind, &b.pod, to).map_err(Unmet::Fails)?;
        sctp(&a.pod, bind, &b.pod, to).map_err(Unmet::Fails)?;
        tcp(&a.pod, bind, stage.node, to).map_err(Unmet::Fails)?;
    }
    tcp(&a.pod, in_pod[0], stage.node, ([127, 0, 0, 1], 8080).into()).map_err(Unmet::Fails)?;
    a.del()
}

fn masquerade(stage: &Stage<'_>) -> Outcome {
    // A machine beyond the node, which knows no way to the pods.
    let world = stage.node.pod("world");
    stage.host("ip link add wan type veth peer name eth0 netns world");
    stage.host("ip addr add 192.0.2.1/24 dev wan; ip addr add fd02::1/64 dev wan nodad; ip link set wan up");
    world.sh("ip addr add 192.0.2.2/24 dev eth0; ip addr add fd02::2/64 dev eth0 nodad; ip link set eth0 up");
    let a = pod(stage)?.with(&json!({ "ipMasq": true }));
    let result = a.add()?;
    let there: [SocketAddr; 2] = [([192, 0, 2, 2], 80).into(), ([0xfd02, 0, 0, 0, 0, 0, 0, 2], 80).into()];
    let as_whom: [IpAddr; 2] = [[192, 0, 2, 1].into(), [0xfd02, 0, 0, 0, 0, 0, 0, 1].into()];
    for (to, node) in there.into_iter().zip(as_whom) {
        let seen = tcp(&world, to, &a.pod, to).map_err(Unmet::Fails)?;
        require!(seen == node, "beyond the node the pod is {seen}, not {node}");
    }
    let b = pod(stage)?.with(&json!({ "ipMasq": true }));
    b.add()?;
    for address in addresses(&result)? {
        let to = SocketAddr::new(address, 80);
        let seen = tcp(&a.pod, to, &b.pod, to).map_err(Unmet::Fails)?;
        let own = b.addresses().iter().any(|one| one.starts_with(&format!("{seen}/")));
        require!(own, "within its network the pod is {seen}");
    }
    b.del()?;
    a.del()
}

/// Containers on two bridges that the node routes between, beside the network that the judge gave them.
fn ingress_policy(stage: &Stage<'_>) -> Outcome {
    stage.knows("1.0.0")?;
    stage.wants("bridge")?;
    stage.wants("host-local")?;
    stage.host("echo 1 >/proc/sys/net/ipv4/ip_forward");
    let joined = |network: u8| {
        let a = stage.attachment_in("1.0.0")?;
        let (name, bridge) = (format!("network{network}"), format!("br{network}"));
        let ranges = json!([[{ "subnet": format!("10.7{network}.0.0/24") }]]);
        let mut call = a.call("ADD").env("CNI_IFNAME", "net0").stdin(&json!({
            "cniVersion": "1.0.0", "name": name, "type": "bridge", "bridge": bridge, "isGateway": true,
            "ipam": { "type": "host-local", "ranges": ranges, "routes": [{ "dst": "10.64.0.0/12" }] },
        }));
        call.plugin = stage.plugin("bridge");
        let answer = stage.run(&call);
        answer.success()?;
        let conf = json!({
            "cniVersion": "1.0.0", "name": name, "type": "firewall", "ingressPolicy": "same-bridge",
            "prevResult": answer.json()?,
        });
        stage.run(&a.call("ADD").env("CNI_IFNAME", "net0").stdin(&conf)).success()?;
        let address = addresses(&conf["prevResult"])?[0];
        Ok::<_, Unmet>((a, SocketAddr::new(address, 80)))
    };
    let ((a, to), (b, _), (c, _)) = (joined(1)?, joined(1)?, joined(2)?);
    tcp(&a.pod, to, &b.pod, to).map_err(Unmet::Fails)?;
    let seen = tcp(&a.pod, to, &c.pod, to);
    require!(seen.is_err(), "another bridge's container reaches {to}, as {seen:?}");
    Ok(())
}
