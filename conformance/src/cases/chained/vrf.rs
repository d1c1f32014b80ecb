//! `vrf`: membership in a VRF.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::attachment::Attachment;
use crate::call::Call;
use crate::case::{Case, Of};
use crate::cases::leak::added;
use crate::unmet::require;

const VRF: Of = Of::Plugins(&["vrf"]);

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "chained.vrf",
        says: "the interface is in the VRF after ADD, and the VRF is gone with the last",
        source: "cni.dev, vrf; part 3: \"configures a VRF and adds the interface to it\"; B-16",
        of: VRF,
        check: |stage| {
            let a = added(stage.attachment()?)?;
            require!(a.link()["master"] == "red", "no master: {}", a.link());
            a.inside("ip link del eth0");
            a.del()?;
            let left = tables(&a);
            require!(left.is_empty(), "the VRF stays, with table {left:?}");
            Ok(())
        },
        broken: r#"real; code=$?; on DEL && within ip link add red type vrf table 99; exit "$code""#,
    },
    Case {
        id: "chained.vrf-several",
        says: "a VRF lasts as long as one interface is in it, and another VRF, which has a table of its own, may have the same address",
        source: "cni.dev, vrf; part 3: \"added to the same vrf\", \"added to different vrfs with same ip\"",
        of: VRF,
        check: |stage| {
            let a = added(stage.attachment()?)?;
            stage.host(&format!("ip link add second0 type veth peer name eth1 netns {}", a.id));
            a.inside(&format!(
                "ip link set eth1 up; ip addr add {}/16 dev eth1 noprefixroute",
                a.own_addresses().0
            ));
            for (name, count) in [("red", 1), ("blue", 2)] {
                let call = second(&a, name);
                stage.run(&call).success()?;
                let master = a.ip("link show eth1")[0]["master"].clone();
                require!(master == name, "the master of eth1 is {master}, not {name}");
                let tables = tables(&a);
                require!(tables.len() == count, "{count} VRFs were asked for, their tables are {tables:?}");
                stage.run(&call.env("CNI_COMMAND", "DEL")).silent_success()?;
                a.check()?;
            }
            a.del()
        },
        broken: r#"on DEL && [ "$CNI_IFNAME" = eth1 ] && within ip link del red 2>/dev/null; real"#,
    },
    Case {
        id: "chained.vrf-table",
        says: "`table` is the VRF's table, and another one for the same VRF is refused",
        source: "cni.dev, vrf; part 3: \"same vrf with same tableid\", \"same vrf with different tableids\"",
        of: VRF,
        check: |stage| {
            let a = added(stage.attachment()?.with(&json!({ "table": 77 })))?;
            let tables = tables(&a);
            require!(tables == BTreeSet::from([77]), "the tables are {tables:?}");
            stage.host(&format!("ip link add second0 type veth peer name eth1 netns {}", a.id));
            let mut call = second(&a, "red");
            call.stdin = call.stdin.replace("\"table\":77", "\"table\":78");
            stage.run(&call).error()?;
            a.del()
        },
        broken: "hears 'if .table == 78 then .table = 77 else . end'",
    },
    Case {
        id: "chained.vrf-of-a-port",
        says: "an interface that has a master already is refused",
        source: "part 3: \"fails if the interface already has a master set\"",
        of: VRF,
        check: |stage| {
            let a = stage.attachment()?;
            a.inside("ip link add br0 type bridge; ip link set eth0 master br0");
            a.run("ADD").error()?;
            Ok(())
        },
        broken: "on ADD && within ip link set eth0 nomaster; real",
    },
];

/// ADD of the container's eth1, whose address is that of eth0, to the VRF of this name.
fn second(a: &Attachment<'_>, vrf: &str) -> Call {
    let mut conf = a.sent("ADD");
    conf["vrfname"] = json!(vrf);
    conf["prevResult"]["interfaces"][1]["name"] = json!("eth1");
    conf["prevResult"]["ips"] = json!([{ "interface": 1, "address": format!("{}/16", a.own_addresses().0) }]);
    conf["prevResult"]["routes"] = json!([]);
    a.call("ADD").env("CNI_IFNAME", "eth1").stdin(&conf)
}

/// The tables of the container's VRFs.
fn tables(a: &Attachment<'_>) -> BTreeSet<u64> {
    let links = a.ip("-d link show type vrf");
    let table = |link: &Value| link["linkinfo"]["info_data"]["table"].as_u64();
    links.as_array().into_iter().flatten().filter_map(table).collect()
}
