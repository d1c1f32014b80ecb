//! The titles of the reference's tests, as far as they are about more than a program's in- and output.

use cni::{Command, Config, Failure, Plugin, Request, Success, Version};
use serde_json::{Value, json};

use super::Static;

fn request(conf: &Value, args: &str) -> Request {
    let stdin = conf.to_string().into_bytes();
    Request {
        command: Command::Add,
        container: "c1".to_owned(),
        ifname: "eth0".to_owned(),
        netns: None,
        args: args.to_owned(),
        path: Vec::new(),
        config: Config::parse(&stdin).expect("a configuration"),
        stdin,
    }
}

fn conf(ipam: &Value) -> Value {
    let mut conf = json!({ "cniVersion": "1.1.0", "name": "net", "type": "bridge", "ipam": ipam });
    conf["ipam"]["type"] = "static".into();
    conf
}

fn full() -> Value {
    conf(&json!({
        "addresses": [
            { "address": "10.10.0.1/24", "gateway": "10.10.0.254" },
            { "address": "3ffe:ffff:0:01ff::1/64", "gateway": "3ffe:ffff:0::1" },
        ],
        "routes": [
            { "dst": "0.0.0.0/0" }, { "dst": "192.168.0.0/16", "gw": "10.10.5.1", "priority": 100 },
            { "dst": "3ffe:ffff:0:01ff::1/64" },
        ],
        "dns": { "nameservers": ["8.8.8.8"], "domain": "example.com", "search": ["example.com"] },
    }))
}

fn add(conf: &Value, args: &str) -> Result<Success, Failure> {
    Static.add(&request(conf, args))
}

/// `address gateway` of each.
fn ips(success: &Success) -> Vec<String> {
    let gateway = |ip: &cni::Ip| ip.gateway.map(|gateway| format!(" {gateway}")).unwrap_or_default();
    success.ips.iter().map(|ip| format!("{}{}", ip.address, gateway(ip))).collect()
}

fn refused(conf: &Value, args: &str) -> (u32, String) {
    let failure = add(conf, args).expect_err("it is wrong");
    (failure.code.number(), failure.msg)
}

#[test]
fn what_is_written_down_is_what_an_add_gives() {
    let success = add(&full(), "").unwrap();
    assert_eq!(ips(&success), ["10.10.0.1/24 10.10.0.254", "3ffe:ffff:0:1ff::1/64 3ffe:ffff::1"]);
    assert_eq!(success.routes.len(), 3);
    assert_eq!((success.routes[1].priority, success.routes[2].gw), (Some(100), None));
    assert_eq!(success.dns.nameservers, Some(vec!["8.8.8.8".to_owned()]));
}

#[test]
fn a_route_may_be_given_by_several_gateways() {
    let routes =
        json!([{ "dst": "10.9.0.0/16", "gw": "10.10.0.2" }, { "dst": "10.9.0.0/16", "gw": "10.10.0.3" }]);
    let success = add(&conf(&json!({ "addresses": [{ "address": "10.10.0.1/24" }], "routes": routes })), "");
    assert_eq!(success.unwrap().routes.len(), 2);
}

#[test]
fn addresses_in_cni_args_are_added_and_gateways_go_to_every_subnet_that_holds_them() {
    let args = "IgnoreUnknown=1;IP=10.10.0.1/24, 11.11.0.1/24;GATEWAY=10.10.0.254,11.11.0.254";
    let conf = conf(&json!({ "addresses": [{ "address": "10.10.0.9/24" }] }));
    let given = ["10.10.0.9/24 10.10.0.254", "10.10.0.1/24 10.10.0.254", "11.11.0.1/24 11.11.0.254"];
    assert_eq!(ips(&add(&conf, args).unwrap()), given);
}

#[test]
fn a_runtimes_addresses_come_before_args_and_those_before_all_others() {
    let mut conf = full();
    conf["args"] = json!({ "cni": { "ips": ["10.10.0.2/24", "3ffe::2/64"] } });
    assert_eq!(ips(&add(&conf, "IP=10.0.0.1/24").unwrap()), ["10.10.0.2/24", "3ffe::2/64"]);
    conf["runtimeConfig"] = json!({ "ips": ["10.10.0.3/24"] });
    assert_eq!(ips(&add(&conf, "IP=10.0.0.1/24").unwrap()), ["10.10.0.3/24"]);
    conf["runtimeConfig"] = json!({ "ips": [""] });
    assert_eq!(ips(&add(&conf, "").unwrap()), ["10.10.0.2/24", "3ffe::2/64"]);
}

#[test]
fn what_is_no_address_with_a_prefix_length_is_refused_by_its_key_and_value() {
    for value in ["10.10.0.1", "10.10.0.1/33", "10.10.0.1/", "nonsense/24", "10.10.0.1/24/1"] {
        let (code, text) = refused(&conf(&json!({ "addresses": [{ "address": value }] })), "");
        assert_eq!((code, text.contains("ipam.addresses[0].address")), (7, true), "{text}");
        assert!(text.ends_with(&format!("expected to be in CIDR notation, got: '{value}'")), "{text}");
        for key in ["args", "runtimeConfig"] {
            let mut conf = full();
            let ips = json!({ "ips": [value] });
            conf[key] = if key == "args" { json!({ "cni": ips }) } else { ips };
            let (code, text) = refused(&conf, "");
            let named = text.contains(key) && text.contains(value) && text.contains("NOT in CIDR notation");
            assert_eq!((code, named), (7, true), "{text}");
        }
        let (code, text) = refused(&full(), &format!("IP={value}"));
        assert_eq!((code, text.contains(value)), (4, true), "{text}");
    }
    let (code, text) = refused(&full(), "GATEWAY=here");
    assert_eq!((code, text.as_str()), (4, "CNI_ARGS: GATEWAY: invalid gateway address: here"));
    let (code, text) =
        refused(&conf(&json!({ "addresses": [{ "address": "10.1.0.2/24", "gateway": "x" }] })), "");
    assert_eq!((code, text.contains("gateway") && text.contains("\"x\"")), (7, true), "{text}");
}

#[test]
fn without_the_key_ipam_there_is_an_error_whatever_else_is_given() {
    for (key, value) in [
        ("args", json!({ "cni": { "ips": ["10.1.0.2/24"] } })),
        ("runtimeConfig", json!({ "ips": ["10.1.0.2/24"] })),
    ] {
        let mut conf = json!({ "cniVersion": "1.1.0", "name": "net", "type": "bridge" });
        conf[key] = value;
        assert_eq!(refused(&conf, ""), (7, "IPAM config missing 'ipam' key".to_owned()));
    }
}

#[test]
fn old_results_hold_one_address_a_family() {
    let mut conf = full();
    conf["cniVersion"] = "0.2.0".into();
    assert_eq!(add(&conf, "").unwrap().ips.len(), 2);
    let (code, text) = refused(&conf, "IP=10.10.0.2/24");
    assert_eq!(
        (code, text),
        (7, format!("CNI version {} does not support more than 1 address per family", Version::V0_2_0))
    );
}

#[test]
fn check_wants_every_address_and_the_gateways_that_are_written_down() {
    let check = |ips: Value| {
        let mut conf = full();
        conf["prevResult"] = json!({ "cniVersion": "1.1.0", "ips": ips });
        Static.check(&request(&conf, "")).map_err(|failure| failure.msg)
    };
    let v4 = json!({ "address": "10.10.0.1/24", "gateway": "10.10.0.254" });
    let v6 = json!({ "address": "3ffe:ffff:0:1ff::1/64", "gateway": "3ffe:ffff::1" });
    assert_eq!(check(json!([v4, v6, { "address": "10.7.0.1/24" }])), Ok(()));
    assert_eq!(check(json!([v4])), Err("static: prevResult has no address 3ffe:ffff:0:1ff::1/64".to_owned()));
    let other = json!({ "address": "10.10.0.1/24", "gateway": "10.10.0.1" });
    assert!(check(json!([other, v6])).is_err_and(|text| text.contains("10.10.0.254")));
    assert!(Static.check(&request(&full(), "")).is_err_and(|failure| failure.msg.contains("prevResult")));
}

#[test]
fn del_gc_and_status_have_nothing_to_say() {
    assert!(Static.del(&request(&conf(&json!({ "addresses": [{ "address": "x" }] })), "")).is_ok());
    assert!(Static.gc(&request(&full(), "")).is_ok());
    assert!(Static.status(&request(&full(), "")).is_ok());
    assert!(Static.status(&request(&conf(&json!({ "addresses": [{ "address": "x" }] })), "")).is_err());
}
