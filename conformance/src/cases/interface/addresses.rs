//! Addresses, routes and name servers of IPAM, and CHECK of them.

use serde_json::json;

use super::ADDRESSED;
use crate::case::{Case, Of};
use crate::cases::traffic::pod;
use crate::unmet::require;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "interface.dual-stack",
        says: "an attachment has an address of each family that IPAM hands out, and each default route",
        source: "CNI spec 5, Success; part 3: \"configures and deconfigures … (dual)\"",
        of: ADDRESSED,
        check: |stage| {
            let a = pod(stage)?;
            a.add()?;
            let addresses = a.addresses();
            require!(addresses.len() == 2, "two addresses were handed out, the kernel has {addresses:?}");
            for family in ["-4", "-6"] {
                let route = a.ip(&format!("{family} route show default"));
                require!(route.as_array().is_some_and(|all| !all.is_empty()), "no default route of {family}");
            }
            a.check()?;
            a.del()
        },
        broken: "hears 'del(.ipam.ranges[1]?)'",
    },
    Case {
        id: "interface.routes",
        says: "routes that IPAM hands out are in the container, by their gateway or the address's",
        source: "CNI spec 5, Success; part 3: ConfigureIface; P-074",
        of: ADDRESSED,
        check: |stage| {
            let mut a = stage.attachment()?;
            // On a point-to-point link the other end is the only neighbour.
            let gateway = if stage.name == "ptp" { "10.77.0.1" } else { "10.77.0.9" };
            a.conf["ipam"]["routes"] =
                json!([{ "dst": "198.51.100.0/24" }, { "dst": "203.0.113.0/24", "gw": gateway }]);
            a.add()?;
            let routes = a.inside("ip route");
            for wanted in ["198.51.100.0/24 via 10.77.0.1 ", &format!("203.0.113.0/24 via {gateway} ")] {
                require!(routes.contains(wanted), "no route {wanted} in\n{routes}");
            }
            a.check()?;
            a.del()
        },
        broken: "hears 'del(.ipam.routes[1]?)'",
    },
    Case {
        id: "interface.route-attributes",
        says: "mtu, advmss, priority and table of a route are set",
        source: "CNI spec 1.1.0, 5, Success; P-074, B-26",
        of: Of::Plugins(&["bridge", "ptp", "macvlan"]),
        check: |stage| {
            stage.knows("1.1.0")?;
            let mut a = stage.attachment()?;
            a.conf["ipam"]["routes"] = json!([
                { "dst": "198.51.100.0/24", "mtu": 1300, "advmss": 1200, "priority": 77 },
                { "dst": "203.0.113.0/24", "table": 77 },
            ]);
            a.add()?;
            let route = a.inside("ip route show 198.51.100.0/24");
            for wanted in ["mtu 1300", "advmss 1200", "metric 77"] {
                require!(route.contains(wanted), "no {wanted} in {route}");
            }
            let table = a.inside("ip route show table 77");
            require!(table.contains("203.0.113.0/24"), "no route in table 77: {table}");
            Ok(())
        },
        broken: "hears 'del(.ipam.routes[]?.advmss)'",
    },
    Case {
        id: "interface.check-of-a-table",
        says: "CHECK finds a route in the table that it names, and fails when it is gone",
        source: "CNI spec 2, CHECK; P-044, B-27",
        of: Of::Plugins(&["bridge", "ptp", "macvlan"]),
        check: |stage| {
            stage.knows("1.1.0")?;
            let mut a = stage.attachment()?;
            a.conf["ipam"]["routes"] = json!([{ "dst": "203.0.113.0/24", "table": 77 }]);
            a.add()?;
            a.check()?;
            a.inside("ip route flush table 77");
            a.run("CHECK").error()?;
            a.del()
        },
        broken: "if on CHECK; then hears 'del(.prevResult.routes[]? | select(.table)) | del(.ipam.routes)'; else real; fi",
    },
    Case {
        id: "interface.check-of-a-gateway",
        says: "CHECK fails if the default route leads by another gateway",
        source: "CNI spec 2, CHECK: routes of prevResult; P-044, B-27",
        of: Of::Plugins(&["bridge", "macvlan"]),
        check: |stage| {
            let mut a = stage.attachment()?;
            a.conf["ipam"]["routes"] = json!([{ "dst": "0.0.0.0/0" }]);
            a.add()?;
            a.inside("ip route replace default via 10.77.0.200");
            a.run("CHECK").error()?;
            a.del()
        },
        broken: "if on CHECK; then hears 'del(.prevResult.routes) | del(.ipam.routes)'; else real; fi",
    },
    Case {
        id: "interface.no-addresses",
        says: "without `ipam` the interface is up and has no address, and CHECK and DEL work",
        source: "cni.dev, bridge: L2 networks; P-040, B-04",
        of: Of::Plugins(&["bridge", "macvlan", "tap", "host-device"]),
        check: |stage| {
            let a = stage.attachment()?.without("ipam").without("isGateway");
            let result = a.add()?;
            require!(result["ips"].is_null(), "addresses from nowhere: {result}");
            a.check()?;
            a.del()
        },
        broken: r#"heard; on CHECK && ! has '"ips"' && refuse 11; go"#,
    },
    Case {
        id: "interface.ipam-is-needed",
        says: "a plugin that can't do without addresses says so",
        source: "cni.dev, ptp, dummy; part 3: \"fails to create dummy link with no ipam\"",
        of: Of::Plugins(&["ptp", "ipvlan", "dummy"]),
        check: |stage| {
            let a = stage.attachment()?.without("ipam");
            a.run("ADD").error()?;
            Ok(())
        },
        broken: r#"heard; on ADD && ! has '"ipam"' && { echo '{"cniVersion":"1.0.0"}'; exit 0; }; go"#,
    },
    Case {
        id: "interface.dns",
        says: "the name servers of IPAM stay where the configuration says nothing, and give way where it does",
        source: "CNI spec 1, dns; part 3: \"does not override IPAM DNS settings\"",
        of: Of::Plugins(&["ptp", "bridge"]),
        check: |stage| {
            stage.file("/run/resolv.conf", "nameserver 192.0.2.53\nsearch example.org\n");
            let mut a = stage.attachment()?;
            a.conf["ipam"]["resolvConf"] = json!("/run/resolv.conf");
            let result = a.add()?;
            require!(result["dns"]["nameservers"] == json!(["192.0.2.53"]), "dns is {}", result["dns"]);
            a.del()?;
            let a = a.with(&json!({ "dns": { "nameservers": ["192.0.2.54"] } }));
            let result = a.add()?;
            require!(result["dns"]["nameservers"] == json!(["192.0.2.54"]), "dns is {}", result["dns"]);
            a.del()
        },
        broken: r#"heard; has '"dns":{' || { printf %s "$in" | says 'del(.dns)'; exit; }; go"#,
    },
];
