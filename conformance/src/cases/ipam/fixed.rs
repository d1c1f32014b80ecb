//! static: <https://www.cni.dev/plugins/current/ipam/static/>.

use serde_json::json;

use crate::case::{Case, Of};
use crate::cases::breakage::NO_RUNTIME_CONFIG;
use crate::stage::Stage;
use crate::unmet::{Outcome, require};

const STATIC: Of = Of::Plugins(&["static"]);

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "ipam.static",
        says: "addresses, gateways, routes and dns of the configuration are handed out as they stand",
        source: "cni.dev, static; part 3: \"allocates and releases addresses with ADD/DEL\"",
        of: STATIC,
        check: |stage| {
            let addresses = json!([
                { "address": "10.79.0.5/24", "gateway": "10.79.0.1" },
                { "address": "fd79::5/64", "gateway": "fd79::1" },
            ]);
            let routes =
                json!([{ "dst": "0.0.0.0/0", "gw": "10.79.0.1" }, { "dst": "0.0.0.0/0", "gw": "10.79.0.2" }]);
            let dns = json!({ "nameservers": ["192.0.2.1"], "domain": "example.net" });
            let ipam = json!({ "type": "static", "addresses": addresses, "routes": routes, "dns": dns });
            let a = stage.attachment()?.with(&json!({ "ipam": ipam }));
            let result = a.add()?;
            for (key, wanted) in [("ips", addresses), ("routes", routes), ("dns", dns)] {
                require!(result[key] == wanted, "`{key}` is {}, not {wanted}", result[key]);
            }
            a.check()?;
            a.del()
        },
        broken: "says 'if .routes then .routes |= unique_by(.dst) else . end'",
    },
    Case {
        id: "ipam.static-asked-for",
        says: "addresses come from CNI_ARGS, with gateways by their subnet, and runtimeConfig beats all",
        source: "cni.dev, static; part 3: \"from RuntimeConfig/ARGS/CNI_ARGS\"; P-060, P-062",
        of: STATIC,
        check: static_asked_for,
        broken: NO_RUNTIME_CONFIG,
    },
    Case {
        id: "ipam.static-not-cidr",
        says: "an address that is not in CIDR notation is refused, wherever it comes from",
        source: "part 3: \"errors when passed an invalid CIDR via …\"",
        of: STATIC,
        check: |stage| {
            let wrong = "10.79.0.400/24";
            let a = stage.attachment()?;
            let in_ipam = json!({ "ipam": { "type": "static", "addresses": [{ "address": wrong }] } });
            let in_args = json!({ "args": { "cni": { "ips": [wrong] } } });
            let in_runtime = json!({ "runtimeConfig": { "ips": [wrong] } });
            for keys in [in_ipam, in_args, in_runtime] {
                stage.attachment()?.with(&keys).run("ADD").error()?;
            }
            stage.run(&a.call("ADD").env("CNI_ARGS", &format!("IP={wrong}"))).error()?;
            Ok(())
        },
        broken: NO_RUNTIME_CONFIG,
    },
    Case {
        id: "ipam.static-check",
        says: "CHECK fails if prevResult lacks the address",
        source: "CNI spec 2, CHECK; P-044",
        of: STATIC,
        check: |stage| {
            let a = stage.attachment()?;
            let mut result = a.add()?;
            result["ips"] = json!([{ "address": "10.79.9.9/24" }]);
            let mut conf = a.conf.clone();
            conf["prevResult"] = result;
            stage.run(&a.call("CHECK").stdin(&conf)).error()?;
            Ok(())
        },
        broken: "if on CHECK; then hears '.prevResult.ips = .ipam.addresses'; else real; fi",
    },
    Case {
        id: "ipam.static-by-args",
        says: "addresses come from args.cni, of both families at once",
        source: "CONVENTIONS.md, ips; part 3: \"allocates and releases multiple addresses with ADD/DEL, from args\"; P-061",
        of: STATIC,
        check: |stage| {
            let ips = ["10.79.0.7/24", "fd79::7/64"];
            let a = stage.attachment()?;
            let a = a.with(&json!({ "ipam": { "type": "static" }, "args": { "cni": { "ips": ips } } }));
            let given = a.add()?["ips"].clone();
            require!(given == json!([{ "address": ips[0] }, { "address": ips[1] }]), "handed out: {given}");
            a.del()
        },
        broken: "hears 'del(.args.cni.ips[1]?)'",
    },
    Case {
        id: "ipam.static-without-ipam",
        says: "without `ipam` there is an error, whatever args and runtimeConfig have",
        source: "part 3: \"is returning an error on missing ipam key when args are set\", \"… when runtimeConfig is set\"",
        of: STATIC,
        check: |stage| {
            for keys in [
                json!({ "args": { "cni": { "ips": ["10.79.0.7/24"] } } }),
                json!({ "runtimeConfig": { "ips": ["10.79.0.7/24"] } }),
            ] {
                let a = stage.attachment()?.with(&keys).without("ipam");
                a.run("ADD").error()?;
            }
            Ok(())
        },
        broken: r#"hears '.ipam //= {"type": "static"}'"#,
    },
];

fn static_asked_for(stage: &Stage<'_>) -> Outcome {
    let mut a = stage.attachment()?;
    a.conf["ipam"] = json!({ "type": "static" });
    let args = "IP=10.79.0.7/24,fd79::7/64;GATEWAY=10.79.0.1,fd79::1";
    let answer = stage.run(&a.call("ADD").env("CNI_ARGS", args));
    answer.success()?;
    let ips = answer.json()?["ips"].clone();
    let wanted = json!([
        { "address": "10.79.0.7/24", "gateway": "10.79.0.1" },
        { "address": "fd79::7/64", "gateway": "fd79::1" },
    ]);
    require!(ips == wanted, "handed out: {ips}");
    let a = a.with(&json!({ "capabilities": { "ips": true }, "runtimeConfig": { "ips": ["10.79.0.8/24"] } }));
    let answer = stage.run(&a.call("ADD").env("CNI_ARGS", args));
    answer.success()?;
    let ips = answer.json()?["ips"].clone();
    let one = ips.as_array().is_some_and(|ips| ips.len() == 1);
    require!(one && ips[0]["address"] == "10.79.0.8/24", "handed out: {ips}");
    Ok(())
}
