//! host-local: <https://www.cni.dev/plugins/current/ipam/host-local/>.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::address;
use crate::attachment::Attachment;
use crate::case::{Case, Of};
use crate::cases::breakage::NO_RUNTIME_CONFIG;
use crate::cases::leak::added;
use crate::stage::Stage;
use crate::unmet::{Outcome, Unmet, require};

const HOST_LOCAL: Of = Of::Plugins(&["host-local"]);

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "ipam.one-owner",
        says: "no address has two owners, and the gateway and the broadcast address have none",
        source: "cni.dev, host-local; part 3: \"should not allocate the broadcast address\"",
        of: HOST_LOCAL,
        check: |stage| {
            let mut seen = BTreeSet::new();
            // A container that is gone would no longer own its address.
            let mut alive = Vec::new();
            // Of a /29 five are left for pods.
            for _ in 0..5 {
                let a = ranges(stage, &json!([[{ "subnet": "10.79.0.0/29" }]]))?;
                seen.insert(address(&a.add()?)?);
                alive.push(a);
            }
            let expected: BTreeSet<_> = (2..7).map(|last| format!("10.79.0.{last}/29")).collect();
            require!(seen == expected, "handed out: {seen:?}");
            let a = ranges(stage, &json!([[{ "subnet": "10.79.0.0/29" }]]))?;
            a.run("ADD").error()?;
            Ok(())
        },
        broken: r#"says 'if .ips then .ips[0].address = "10.79.0.2/29" else . end'"#,
    },
    Case {
        id: "ipam.round-robin",
        says: "an address that comes back is not the next to go out",
        source: "cni.dev, host-local; part 3: \"should allocate ips in round robin\"",
        of: HOST_LOCAL,
        check: |stage| {
            let (a, b) = (stage.attachment()?, stage.attachment()?);
            let first = address(&a.add()?)?;
            a.del()?;
            let second = address(&b.add()?)?;
            require!(first != second, "{first} went out twice in a row");
            Ok(())
        },
        broken: "rm -f /var/lib/cni/networks/*/last_reserved_ip.*; real",
    },
    Case {
        id: "ipam.asked-for",
        says: "an address that CNI_ARGS, args or runtimeConfig asks for is handed out, or the ADD fails",
        source: "CONVENTIONS.md, ips; part 3: \"allocates a custom IP when requested\"; P-060, P-061, P-062",
        of: HOST_LOCAL,
        check: asked_for,
        broken: NO_RUNTIME_CONFIG,
    },
    Case {
        id: "ipam.bounds",
        says: "rangeStart and rangeEnd bound what is handed out",
        source: "cni.dev, host-local; part 3: \"should parse all fields correctly\"",
        of: HOST_LOCAL,
        check: |stage| {
            let range = json!([[{ "subnet": "10.79.0.0/24", "rangeStart": "10.79.0.40", "rangeEnd": "10.79.0.40", "gateway": "10.79.0.9" }]]);
            let a = ranges(stage, &range)?;
            let result = a.add()?;
            require!(address(&result)? == "10.79.0.40/24", "handed out: {result}");
            require!(result["ips"][0]["gateway"] == "10.79.0.9", "the gateway: {result}");
            ranges(stage, &range)?.run("ADD").error()?;
            Ok(())
        },
        broken: "hears 'del(.ipam.ranges[0]?[0]?.rangeStart)'",
    },
    Case {
        id: "ipam.both-families",
        says: "of two sets of ranges one address each is handed out, in their order",
        source: "cni.dev, host-local; part 3: \"allocates custom IPs from multiple protocols\"",
        of: HOST_LOCAL,
        check: |stage| {
            let result =
                ranges(stage, &json!([[{ "subnet": "10.79.0.0/24" }], [{ "subnet": "fd79::/64" }]]))?
                    .add()?;
            let ips = &result["ips"];
            require!(
                ips[0]["address"] == "10.79.0.2/24" && ips[1]["address"] == "fd79::2/64",
                "handed out: {ips}"
            );
            Ok(())
        },
        broken: "says 'if .ips then .ips |= reverse else . end'",
    },
    Case {
        id: "ipam.wrong-ranges",
        says: "ranges that are too small, overlap, mix families or lie outside their subnet are refused",
        source: "part 3: \"Should reject a network that's too small\", \"Should detect overlap\"",
        of: HOST_LOCAL,
        check: |stage| {
            for wrong in [
                json!([[{ "subnet": "10.79.0.0/31" }]]),
                json!([[{ "subnet": "10.79.0.1/24" }]]),
                json!([[{ "subnet": "10.79.0.0/24" }], [{ "subnet": "10.79.0.0/25" }]]),
                json!([[{ "subnet": "10.79.0.0/24" }, { "subnet": "10.79.0.0/24" }]]),
                json!([[{ "subnet": "10.79.0.0/24" }, { "subnet": "fd79::/64" }]]),
                json!([[{ "subnet": "10.79.0.0/24", "rangeStart": "10.80.0.1" }]]),
                json!([[{ "subnet": "fd79::1/64" }]]),
                json!([[
                    { "subnet": "10.79.0.0/24", "rangeEnd": "10.79.0.20" },
                    { "subnet": "10.79.0.0/24", "rangeStart": "10.79.0.20" },
                ]]),
                json!([[]]),
                json!([]),
            ] {
                let a = ranges(stage, &wrong)?;
                a.run("ADD").error()?;
            }
            Ok(())
        },
        broken: r#"hears 'if .ipam.ranges == [[]] then .ipam.ranges = [[{"subnet": "10.79.0.0/24"}]] else . end'"#,
    },
    Case {
        id: "ipam.files",
        says: "an address lies on disk as a file of its name that holds the container's ID, \\r\\n and the interface",
        source: "the reference's host-local 0.7 and later, which Antrea and others read; part 2.2",
        of: HOST_LOCAL,
        check: |stage| {
            let a = added(stage.attachment()?)?;
            let path = Path::new("/var/lib/cni/networks/judged/10.79.0.2");
            let text = std::fs::read_to_string(path).unwrap_or_default();
            require!(text == format!("{}\r\neth0", a.id), "{} holds {text:?}", path.display());
            a.del()?;
            require!(!path.exists(), "{} stays", path.display());
            Ok(())
        },
        broken: r#"real; code=$?; on ADD && printf %s "$CNI_CONTAINERID" >/var/lib/cni/networks/judged/10.79.0.2; exit "$code""#,
    },
    Case {
        id: "ipam.old-files",
        says: "a file of an old host-local, which holds the ID alone, is found by DEL",
        source: "part 3: \"verify DEL works on backwards compatible allocate\"; P-048",
        of: HOST_LOCAL,
        check: |stage| {
            let a = stage.attachment()?;
            let path = "/var/lib/cni/networks/judged/10.79.0.77";
            stage.file(path, &a.id);
            a.del()?;
            require!(!Path::new(path).exists(), "{path} stays");
            Ok(())
        },
        broken: "on DEL && ! grep -q eth0 /var/lib/cni/networks/judged/10.* && exit 0; real",
    },
    Case {
        id: "ipam.del-without-ranges",
        says: "DEL gives the address back without the ranges that ADD had",
        source: "CNI spec 2, DEL; R-1; P-042, B-28",
        of: HOST_LOCAL,
        check: |stage| {
            let mut a = added(stage.attachment()?)?;
            a.conf["ipam"].as_object_mut().map(|ipam| ipam.remove("ranges"));
            a.del()?;
            require!(!Path::new("/var/lib/cni/networks/judged/10.79.0.2").exists(), "the address stays");
            Ok(())
        },
        broken: r#"heard; on DEL && ! has '"ranges"' && refuse 7; go"#,
    },
    Case {
        id: "ipam.args-beat-cni-args",
        says: "what stands in args and in CNI_ARGS is taken from args alone",
        source: "CONVENTIONS.md, args: \"the plugin must ignore the CNI_ARGS field\"; P-061, B-28",
        of: Of::Plugins(&["host-local", "static"]),
        check: |stage| {
            let ips = if stage.name == "static" { "10.79.0.50/24" } else { "10.79.0.50" };
            let a = stage.attachment()?.with(&json!({ "args": { "cni": { "ips": [ips] } } }));
            let answer = stage.run(&a.call("ADD").env("CNI_ARGS", "IP=10.79.0.60/24"));
            answer.success()?;
            let result = answer.json()?;
            let all = result["ips"].as_array().map_or(0, Vec::len);
            require!(all == 1 && address(&result)? == "10.79.0.50/24", "handed out: {result}");
            a.del()
        },
        broken: "jq -c 'del(.args)' | real",
    },
    Case {
        id: "ipam.resolv-conf",
        says: "resolvConf is read into dns: nameserver, domain, search and options",
        source: "part 3: \"parses all fields\"",
        of: HOST_LOCAL,
        check: |stage| {
            let text = "# a comment\nnameserver 192.0.2.1\nnameserver 192.0.2.2\ndomain example.net\nsearch a.example b.example\noptions four\n";
            stage.file("/run/resolv.conf", text);
            let mut a = stage.attachment()?;
            a.conf["ipam"]["resolvConf"] = json!("/run/resolv.conf");
            let dns = a.add()?["dns"].clone();
            let wanted = json!({
                "nameservers": ["192.0.2.1", "192.0.2.2"], "domain": "example.net",
                "search": ["a.example", "b.example"], "options": ["four"],
            });
            require!(dns == wanted, "dns is {dns}");
            a.del()
        },
        broken: "says 'del(.dns.options?)'",
    },
    Case {
        id: "ipam.again",
        says: "a second ADD of the same attachment is refused, and its address stays",
        source: "part 3: \"repeat allocating addresses on specific interface for same container ID\"",
        of: HOST_LOCAL,
        check: |stage| {
            let a = added(stage.attachment()?)?;
            a.run("ADD").error()?;
            a.check()
        },
        broken: r#"in=$(cat); [ "$CNI_COMMAND" != ADD ] || printf %s "$in" | CNI_COMMAND=DEL real; printf %s "$in" | real"#,
    },
];

/// An attachment whose addresses come from these ranges.
pub(super) fn ranges<'s>(stage: &'s Stage<'s>, ranges: &Value) -> Result<Attachment<'s>, Unmet> {
    Ok(stage.attachment()?.with(&json!({ "ipam": { "type": "host-local", "ranges": ranges } })))
}

fn asked_for(stage: &Stage<'_>) -> Outcome {
    let a = stage.attachment()?;
    let answer = stage.run(&a.call("ADD").env("CNI_ARGS", "IP=10.79.0.30"));
    answer.success()?;
    require!(address(&answer.json()?)? == "10.79.0.30/24", "by CNI_ARGS: {}", answer.shown());
    let a = stage.attachment()?.with(&json!({ "args": { "cni": { "ips": ["10.79.0.31"] } } }));
    let result = a.add()?;
    require!(address(&result)? == "10.79.0.31/24", "by args: {result}");
    let ips = |ip: &str| json!({ "capabilities": { "ips": true }, "runtimeConfig": { "ips": [ip] } });
    let a = stage.attachment()?.with(&ips("10.79.0.32/24"));
    let result = a.add()?;
    require!(address(&result)? == "10.79.0.32/24", "by runtimeConfig: {result}");
    for refused in ["10.79.0.32", "10.79.0.1", "10.99.0.1"] {
        stage.attachment()?.with(&ips(refused)).run("ADD").error()?;
    }
    Ok(())
}
