//! What is around the link: its master, its namesakes, the bridge that it joins.

use serde_json::json;

use super::ADDRESSED;
use crate::case::{Case, Of};
use crate::unmet::require;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "interface.names-of-the-host",
        says: "a link of the host that has the interface's name is no trouble, and stays",
        source: "part 3: \"with conflicting name in original namespace\"; hosts have an eth0, too",
        of: ADDRESSED,
        check: |stage| {
            stage.host("ip link add eth0 type veth peer name far-eth0");
            let a = stage.attachment()?;
            a.add()?;
            a.check()?;
            a.del()?;
            let there = stage.host("ip -o link show eth0 2>/dev/null || true");
            require!(there.contains("far-eth0"), "the host's eth0 is gone: {there}");
            Ok(())
        },
        broken: r#"on ADD && ip link del "$CNI_IFNAME" 2>/dev/null; real"#,
    },
    Case {
        id: "interface.master-by-route",
        says: "without `master` it is the link of the default route",
        source: "cni.dev, macvlan, ipvlan; part 3: \"without master config\"",
        of: Of::Plugins(&["macvlan", "ipvlan"]),
        check: |stage| {
            let a = stage.attachment()?.without("master");
            stage.host("ip addr add 192.0.2.1/24 dev up0; ip route add default via 192.0.2.254");
            a.add()?;
            let index = a.link()["link_index"].to_string();
            let master = stage.host("ip -o link show up0");
            require!(master.starts_with(&format!("{index}:")), "its master is link {index}, not {master}");
            a.check()?;
            a.del()
        },
        broken: r#"hears '.master //= "world"'"#,
    },
    Case {
        id: "interface.mtu-like-the-master",
        says: "without `mtu` it is the master's",
        source: "cni.dev, macvlan, ipvlan, vlan; part 3: \"creates an vlan link in a non-default namespace with master's MTU\"",
        of: Of::Plugins(&["macvlan", "ipvlan", "vlan"]),
        check: |stage| {
            let a = stage.attachment()?;
            stage.host("ip link set up0 mtu 1400");
            a.add()?;
            let mtu = a.link()["mtu"].clone();
            require!(mtu == 1400, "the interface's MTU is {mtu}");
            a.del()
        },
        broken: "hears '.mtu //= 1300'",
    },
    Case {
        id: "interface.mac-of-args",
        says: "the MAC that args.cni asks for is the interface's",
        source: "CONVENTIONS.md, args; part 3: \"uses an explicit MAC addresses for the container iface (from Args)\"; P-061",
        of: Of::Plugins(&["bridge"]),
        check: |stage| {
            let a = stage.attachment()?.with(&json!({ "args": { "cni": { "mac": "c2:11:22:33:44:77" } } }));
            a.add()?;
            require!(a.link()["address"] == "c2:11:22:33:44:77", "the MAC is {}", a.link()["address"]);
            a.del()
        },
        broken: "hears 'del(.args)'",
    },
    Case {
        id: "interface.tap-in-a-bridge",
        says: "`bridge` is the container's bridge that the interface joins",
        source: "cni.dev, tap; part 3: \"add, check and remove a tap device as a bridge port\"",
        of: Of::Plugins(&["tap"]),
        check: |stage| {
            let a = stage.attachment()?.with(&json!({ "bridge": "br0" }));
            a.inside("ip link add br0 type bridge; ip link set br0 up");
            a.add()?;
            require!(a.link()["master"] == "br0", "its bridge: {}", a.link()["master"]);
            a.check()?;
            a.del()
        },
        broken: "hears 'del(.bridge)'",
    },
    Case {
        id: "interface.dns-of-an-empty-list",
        says: "an empty list of name servers is one, and takes the place of IPAM's",
        source: "part 3: \"overrides IPAM DNS settings if any empty list DNS settings provided\"",
        of: Of::Plugins(&["ptp"]),
        check: |stage| {
            stage.file("/run/resolv.conf", "nameserver 192.0.2.53\n");
            let mut a = stage.attachment()?.with(&json!({ "dns": { "nameservers": [] } }));
            a.conf["ipam"]["resolvConf"] = json!("/run/resolv.conf");
            let dns = a.add()?["dns"].clone();
            require!(dns["nameservers"].as_array().is_none_or(Vec::is_empty), "dns is {dns}");
            a.del()
        },
        broken: "hears 'if .dns.nameservers == [] then del(.dns) else . end'",
    },
];
