//! What a configuration comes to.

use cni::{Command, Config, Failure, Request};
use serde_json::{Value, json};

use super::{Protocol, Wish};

fn wish(ipam: &Value, args: &str) -> Result<Wish, Failure> {
    let conf = json!({ "cniVersion": "1.1.0", "name": "net", "type": "macvlan", "ipam": ipam });
    let stdin = conf.to_string().into_bytes();
    let request = Request {
        command: Command::Add,
        container: "c1".to_owned(),
        ifname: "eth0".to_owned(),
        netns: None,
        args: args.to_owned(),
        path: Vec::new(),
        config: Config::parse(&stdin).expect("a configuration"),
        stdin,
    };
    Ok(Wish::of(&request)?)
}

#[test]
fn without_keys_it_is_what_the_reference_asks_for() {
    let wish = wish(&json!({ "type": "dhcp" }), "K=v").unwrap();
    assert_eq!((wish.protocols, wish.provide, wish.request), (vec![Protocol::Dhcp4], vec![], vec![1, 3]));
    assert_eq!((wish.priority, wish.without_gateway), (None, false));
}

#[test]
fn families_are_chosen_each_by_itself() {
    for (ipam, protocols) in [
        (json!({ "ipv6": "dhcp" }), vec![Protocol::Dhcp4, Protocol::Dhcp6]),
        (json!({ "ipv6": "slaac" }), vec![Protocol::Dhcp4, Protocol::Slaac]),
        (json!({ "ipv4": "off", "ipv6": "dhcp" }), vec![Protocol::Dhcp6]),
        (json!({ "ipv4": "dhcp", "ipv6": "off" }), vec![Protocol::Dhcp4]),
    ] {
        assert_eq!(wish(&ipam, "").unwrap().protocols, protocols);
    }
    for (ipam, words) in [
        (json!({ "ipv4": "off" }), "ipam.ipv4: invalid value \"off\""),
        (json!({ "ipv6": "static" }), "ipam.ipv6: invalid value \"static\""),
        (json!({ "ipv4": true }), "ipam.ipv4: invalid value true"),
    ] {
        let failure = wish(&ipam, "").unwrap_err();
        assert!(failure.code.number() == 7 && failure.msg.starts_with(words), "{failure:?}");
    }
}

#[test]
fn options_have_names_and_numbers_and_the_last_value_counts() {
    let provide = json!([
        { "option": "host-name", "value": "written", "fromArg": "NAME" },
        { "option": "60", "value": "class" },
        { "option": "12", "value": "again", "fromArg": "OTHER" },
        { "option": "user-class", "fromArg": "OTHER" },
    ]);
    let request = json!([{ "option": "121" }, { "option": "routers", "skipDefault": true }]);
    let ipam = json!({ "provide": provide, "request": request });
    let wish = wish(&ipam, "NAME=told;IgnoreUnknown=1").unwrap();
    assert_eq!(wish.provide, [(60, b"class".to_vec()), (12, b"again".to_vec())]);
    assert_eq!(wish.request, [121, 3]);
}
