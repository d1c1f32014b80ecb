//! CNI spec, section 5: result types.

use serde_json::Value;

use super::KNOWN;
use crate::case::{Case, Of};
use crate::specimen::Kind;
use crate::unmet::{require, skip};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "protocol.result-interfaces",
        says: "the result names the interface made in the container, with its MAC and CNI_NETNS as its sandbox",
        source: "CNI spec 5, Success; P-070",
        of: Of::Kinds(&[Kind::Interface]),
        check: |stage| {
            let a = stage.attachment()?;
            let result = a.add()?;
            let all = result["interfaces"].as_array().cloned().unwrap_or_default();
            let Some(ours) = all.iter().find(|one| one["sandbox"] == a.pod.path()) else {
                crate::unmet::fail!("no interface with the sandbox {}: {result}", a.pod.path())
            };
            let link = a.link();
            require!(ours["name"] == link["ifname"], "the result says {ours}, the kernel {link}");
            let mac = |value: &Value| value.as_str().map(str::to_lowercase);
            require!(mac(&ours["mac"]) == mac(&link["address"]), "the result says {ours}, the kernel {link}");
            a.del()
        },
        broken: r#"says 'if .interfaces then .interfaces[-1].mac = "0a:00:00:00:00:99" else . end'"#,
    },
    Case {
        id: "protocol.result-host-interfaces",
        says: "an interface of the host in the result exists there, and has no sandbox",
        source: "CNI spec 5, Success; P-070",
        of: Of::Plugins(&["bridge", "ptp", "flannel", "bandwidth"]),
        check: |stage| {
            let a = stage.attachment()?;
            let result = a.add()?;
            let all = result["interfaces"].as_array().cloned().unwrap_or_default();
            let on_host: Vec<_> =
                all.iter().filter(|one| one["sandbox"].as_str().is_none_or(str::is_empty)).collect();
            require!(!on_host.is_empty(), "no interface of the host in {result}");
            for one in on_host {
                let name = one["name"].as_str().unwrap_or_default();
                let there = stage.host(&format!("ip -o link show {name} 2>/dev/null || true"));
                require!(!there.is_empty(), "the host has no {name}, which the result names: {result}");
            }
            a.del()
        },
        broken: r#"says 'if .interfaces then .interfaces += [{"name": "nowhere0"}] else . end'"#,
    },
    Case {
        id: "protocol.result-index",
        says: "`ips[].interface` is the index of the container's interface in `interfaces`",
        source: "CNI spec 5, Success; go-cni fails a pod whose index is out of range; P-070, P-073",
        of: Of::Kinds(&[Kind::Interface, Kind::Chained]),
        check: |stage| {
            let a = stage.attachment()?;
            let result = a.add()?;
            for ip in result["ips"].as_array().into_iter().flatten() {
                let index = ip["interface"].as_u64().and_then(|index| usize::try_from(index).ok());
                let Some(index) = index else {
                    crate::unmet::fail!("an address without an interface: {result}")
                };
                let named = &result["interfaces"][index]["name"];
                require!(*named == a.ifname.as_str(), "the address {ip} is of {named}: {result}");
            }
            a.del()
        },
        broken: "says 'if .ips then .ips[].interface = 9 else . end'",
    },
    Case {
        id: "protocol.result-addresses",
        says: "the addresses of the result are those of the interface, with their prefix lengths",
        source: "CNI spec 5, Success; P-070",
        of: Of::Kinds(&[Kind::Interface]),
        check: |stage| {
            let a = stage.attachment()?;
            let result = a.add()?;
            let there = a.addresses();
            for ip in result["ips"].as_array().into_iter().flatten() {
                let address = ip["address"].as_str().unwrap_or_default();
                let found = there.iter().any(|one| one == address) || address == "::1/128";
                require!(found, "the result says {address}, the kernel {there:?}");
            }
            require!(!result["ips"].is_null() || stage.name == "loopback", "no address in {result}");
            a.del()
        },
        broken: r#"says 'if .ips then .ips[].address |= sub("/.*"; "/31") else . end'"#,
    },
    Case {
        id: "protocol.ipam-result",
        says: "an IPAM result has addresses, no `interfaces`, and no `interface` in them",
        source: "CNI spec 5, Delegated plugins; P-052",
        of: Of::Kinds(&[Kind::Ipam]),
        check: |stage| {
            let a = stage.attachment()?;
            let result = a.add()?;
            require!(result["ips"].as_array().is_some_and(|ips| !ips.is_empty()), "no address in {result}");
            require!(result["interfaces"].is_null(), "interfaces in {result}");
            require!(result["ips"][0]["interface"].is_null(), "an interface's index in {result}");
            a.del()
        },
        broken: r#"says 'if .ips then .interfaces = [{"name": "eth0"}] else . end'"#,
    },
    Case {
        id: "protocol.result-text",
        says: "0.x results hold `dns`, if only as {}; an empty list of routes, addresses or interfaces is left out",
        source: "libcni types; P-073",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let Ok(()) = stage.knows("0.4.0") else { skip!("it does not know 0.4.0") };
            let a = stage.attachment_in("0.4.0")?;
            let result = a.add()?;
            require!(result["dns"].is_object(), "0.4.0 without dns: {result}");
            for list in ["ips", "routes", "interfaces"] {
                require!(
                    result[list].as_array().is_none_or(|all| !all.is_empty()),
                    "an empty {list}: {result}"
                );
            }
            a.del()
        },
        broken: r#"says 'if .cniVersion == "0.4.0" then del(.dns) else . end'"#,
    },
    Case {
        id: "protocol.one-value-on-stdout",
        says: "standard output carries one JSON value and nothing else",
        source: "CNI spec 5; P-001",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.run("ADD").json()?;
            a.del()
        },
        broken: r#"on ADD && echo "a log line"; real"#,
    },
];
