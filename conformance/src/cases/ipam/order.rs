//! host-local: which address is next, and ranges as older configurations write them.

use std::path::Path;

use serde_json::json;

use super::address;
use super::host_local::ranges;
use crate::case::{Case, Of};
use crate::unmet::require;

const HOST_LOCAL: Of = Of::Plugins(&["host-local"]);

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "ipam.next-range",
        says: "after a range's last address comes the next range's first, and after the last range's the first of all",
        source: "part 3: \"should loop correctly from the end\", \"should use the first IP of next range as startIP after Next\"",
        of: HOST_LOCAL,
        check: |stage| {
            let set = json!([[
                { "subnet": "10.79.0.0/24", "rangeStart": "10.79.0.2", "rangeEnd": "10.79.0.3" },
                { "subnet": "10.79.0.0/24", "rangeStart": "10.79.0.9", "rangeEnd": "10.79.0.9" },
                { "subnet": "10.79.1.0/24", "rangeStart": "10.79.1.2", "rangeEnd": "10.79.1.2" },
            ]]);
            let mut given = Vec::new();
            for _ in 0..5 {
                let a = ranges(stage, &set)?;
                given.push(address(&a.add()?)?);
                a.del()?;
            }
            let wanted = ["10.79.0.2/24", "10.79.0.3/24", "10.79.0.9/24", "10.79.1.2/24", "10.79.0.2/24"];
            require!(given == wanted, "handed out: {given:?}");
            Ok(())
        },
        broken: "hears 'del(.ipam.ranges[0]?[2]?)'",
    },
    Case {
        id: "ipam.old-style",
        says: "a range whose keys stand in `ipam` itself is one",
        source: "cni.dev, host-local; part 3: \"Should parse an old-style config\"",
        of: HOST_LOCAL,
        check: |stage| {
            let ipam = json!({
                "type": "host-local", "subnet": "10.79.0.0/24", "rangeStart": "10.79.0.40",
                "rangeEnd": "10.79.0.40", "gateway": "10.79.0.9",
            });
            let a = stage.attachment()?.with(&json!({ "ipam": ipam }));
            let result = a.add()?;
            require!(address(&result)? == "10.79.0.40/24", "handed out: {result}");
            require!(result["ips"][0]["gateway"] == "10.79.0.9", "the gateway: {result}");
            a.del()
        },
        broken: "hears 'del(.ipam.gateway)'",
    },
    Case {
        id: "ipam.room-of-old-versions",
        says: "a result of 0.2.0 has room for one address of each family: a second set of a family is refused",
        source: "CNI spec 0.2.0; part 3: \"Should allow one v4 and v6 range for 0.2.0\", \"Should should error on too many ranges\"",
        of: HOST_LOCAL,
        check: |stage| {
            stage.knows("0.2.0")?;
            let of = |second: &str| {
                let both = json!([[{ "subnet": "10.79.0.0/24" }], [{ "subnet": second }]]);
                let keys = json!({ "ipam": { "type": "host-local", "ranges": both } });
                stage.attachment_in("0.2.0").map(|a| a.with(&keys))
            };
            let result = of("fd79::/64")?.add()?;
            let given = [&result["ip4"]["ip"], &result["ip6"]["ip"]];
            require!(given == ["10.79.0.2/24", "fd79::2/64"], "handed out: {result}");
            of("10.79.1.0/24")?.run("ADD").error()?;
            Ok(())
        },
        broken: "hears 'if .cniVersion == \"0.2.0\" and (.ipam.ranges[1][0].subnet | contains(\".\")) then del(.ipam.ranges[1]) else . end'",
    },
    Case {
        id: "ipam.blanks-in-files",
        says: "blanks around what a file of an address holds are no part of it",
        source: "part 3: \"ignores whitespace in disk files\"",
        of: HOST_LOCAL,
        check: |stage| {
            let a = stage.attachment()?;
            let path = "/var/lib/cni/networks/judged/10.79.0.77";
            stage.file(path, &format!(" {}\r\neth0 \r\n", a.id));
            a.del()?;
            require!(!Path::new(path).exists(), "{path} stays");
            Ok(())
        },
        broken: r"on DEL && grep -q '^ ' /var/lib/cni/networks/judged/10.* && exit 0; real",
    },
];
