//! JSON as Go reads it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use cni::{Code, Dns, Failure, go};
use ipnetwork::IpNetwork;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Conf {
    mtu: u16,
    is_gateway: bool,
    vlan: Option<i64>,
    tags: Vec<String>,
    labels: BTreeMap<String, String>,
    mode: Option<Mode>,
    nested: Nested,
    list: Vec<Nested>,
    raw: Option<Value>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Nested {
    #[serde(deserialize_with = "go::optional_address")]
    gateway: Option<IpAddr>,
    #[serde(deserialize_with = "go::optional_network")]
    subnet: Option<IpNetwork>,
    #[serde(deserialize_with = "go::unset_when_empty")]
    port: Option<u16>,
    #[serde(deserialize_with = "go::networks")]
    routes: Vec<IpNetwork>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Bridge,
    Private,
}

/// A type that can't be wrong.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(try_from = "i64")]
struct Even(i64);

impl TryFrom<i64> for Even {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        if number % 2 == 0 { Ok(Self(number)) } else { Err("odd".to_owned()) }
    }
}

fn conf(value: &Value) -> Conf {
    go::decode(value).expect("a configuration")
}

fn error(value: &Value) -> String {
    go::decode::<Conf>(value).unwrap_err().to_string()
}

// P-033
#[test]
fn keys_of_a_struct_match_in_any_case_and_keys_of_a_map_as_they_are() {
    let expected = Conf {
        mtu: 1400,
        is_gateway: true,
        labels: BTreeMap::from([("App".into(), "a".into()), ("app".into(), "b".into())]),
        ..Conf::default()
    };
    assert_eq!(conf(&json!({"MTU": 1400, "ISGateway": true, "Labels": {"App": "a", "app": "b"}})), expected);
    assert_eq!(conf(&json!({"mtu": 1400, "isGateway": true, "labels": {"App": "a", "app": "b"}})), expected);
}

// P-033
#[test]
fn unknown_keys_are_ignored_and_the_last_of_a_kind_counts() {
    assert_eq!(
        conf(&json!({"nobody": {"knows": []}, "mtu": 1, "Mtu": 2})),
        Conf { mtu: 2, ..Conf::default() }
    );
    assert_eq!(conf(&json!({"Mtu": 2, "mtu": 1, "MTU": null})), Conf { mtu: 1, ..Conf::default() });
    let twice: Value = serde_json::from_str(r#"{"mtu": 1, "mtu": 2}"#).unwrap();
    assert_eq!(conf(&twice).mtu, 2);
}

// P-033
#[test]
fn null_is_the_same_as_absent_for_every_type() {
    let nulls = json!({
        "mtu": null, "isGateway": null, "vlan": null, "tags": null, "labels": null, "mode": null,
        "nested": {"gateway": null, "subnet": null, "port": null, "routes": null}, "list": null, "raw": null,
    });
    assert_eq!(conf(&nulls), Conf::default());
    assert_eq!(conf(&json!(null)), Conf::default());
    assert_eq!(conf(&json!({"tags": [null], "list": [null]})).tags, [""]);
}

// P-060
#[test]
fn what_runtimes_written_in_go_send_without_tags_is_read() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Mapping {
        host_port: u16,
        container_port: u16,
        protocol: String,
        #[serde(default, rename = "hostIP", deserialize_with = "go::optional_address")]
        host_ip: Option<IpAddr>,
    }
    let sent = json!([{"HostPort": 8080, "ContainerPort": 80, "Protocol": "tcp", "HostIP": ""}]);
    let expected = Mapping { host_port: 8080, container_port: 80, protocol: "tcp".into(), host_ip: None };
    assert_eq!(go::decode::<Vec<Mapping>>(&sent), Ok(vec![expected]));
}

// P-060
#[test]
fn an_empty_text_is_an_unset_address() {
    let empty = conf(&json!({"nested": {"gateway": "", "subnet": "", "port": ""}})).nested;
    assert_eq!(empty, Nested::default());
    let full = conf(
        &json!({"nested": {"gateway": "fd00::1", "subnet": "10.1.0.5/24", "port": "80", "routes": ["::/0"]}}),
    )
    .nested;
    assert_eq!(full.gateway, Some("fd00::1".parse().unwrap()));
    assert_eq!((full.subnet.unwrap().to_string(), full.port), ("10.1.0.5/24".to_owned(), Some(80)));
    assert_eq!(full.routes, ["::/0".parse::<IpNetwork>().unwrap()]);
}

// P-033
#[test]
fn an_error_names_the_key_and_the_value() {
    for (value, message) in [
        (json!({"mtu": "big"}), r#"mtu: invalid value "big": expected integer"#),
        (json!({"MTU": 1.0}), "mtu: invalid value 1.0: expected integer"),
        (json!({"mtu": 1.5}), "mtu: invalid value 1.5: expected integer"),
        (json!({"mtu": 70000}), "mtu: invalid value 70000: expected integer from 0 to 65535"),
        (json!({"mtu": -1}), "mtu: invalid value -1: expected integer from 0 to 65535"),
        (json!({"mtu": true}), "mtu: invalid value true: expected integer"),
        (json!({"vlan": "5"}), r#"vlan: invalid value "5": expected integer"#),
        (json!({"isGateway": "true"}), r#"isGateway: invalid value "true": expected true or false"#),
        (json!({"isGateway": 1}), "isGateway: invalid value 1: expected true or false"),
        (json!({"tags": "a"}), r#"tags: invalid value "a": expected list"#),
        (json!({"tags": ["a", 5]}), "tags[1]: invalid value 5: expected string"),
        (json!({"labels": {"App": 5}}), "labels.App: invalid value 5: expected string"),
        (json!({"labels": []}), "labels: invalid value []: expected object"),
        (json!({"mode": "routed"}), r#"mode: invalid value "routed": expected one of bridge, private"#),
        (json!({"mode": 1}), "mode: invalid value 1: expected string"),
        (json!({"nested": 5}), "nested: invalid value 5: expected object"),
        (
            json!({"nested": {"gateway": "10.1"}}),
            r#"nested.gateway: invalid value "10.1": invalid IP address"#,
        ),
        (
            json!({"nested": {"subnet": "10.1.0.0"}}),
            r#"nested.subnet: invalid value "10.1.0.0": invalid CIDR address"#,
        ),
        (
            json!({"nested": {"port": "x"}}),
            r#"nested.port: invalid value "x": invalid digit found in string"#,
        ),
        (
            json!({"list": [{}, {"routes": ["::/0", "::/129"]}]}),
            r#"list[1].routes[1]: invalid value "::/129": invalid CIDR address"#,
        ),
        (json!([]), "invalid value []: expected object"),
    ] {
        assert_eq!(error(&value), message);
    }
}

// P-033
#[test]
fn an_error_of_a_type_of_ours_names_the_key_and_the_value_too() {
    let numbers = json!({"even": [2, 4, 7]});
    let failure = Failure::from(go::decode::<BTreeMap<String, Vec<Even>>>(&numbers).unwrap_err());
    assert_eq!((failure.code, failure.msg.as_str()), (Code::InvalidConfig, "even[2]: invalid value 7: odd"));
}

// P-080
#[test]
fn a_long_value_is_cut_in_the_message() {
    let message = error(&json!({"mtu": "ä".repeat(500)}));
    assert!(message.ends_with("ä…: expected integer") && message.chars().count() < 130, "{message}");
}

// P-033
#[test]
fn a_missing_key_is_named() {
    #[derive(Debug, Deserialize)]
    struct Outer {
        #[serde(rename = "ipam")]
        _ipam: Inner,
    }
    #[derive(Debug, Deserialize)]
    struct Inner {
        #[serde(rename = "subnet", deserialize_with = "go::network")]
        _subnet: IpNetwork,
    }
    for value in [json!({"ipam": {}}), json!({"ipam": {"subnet": null}})] {
        assert_eq!(go::decode::<Outer>(&value).unwrap_err().to_string(), "ipam.subnet: missing");
    }
}

// P-033
#[test]
fn whatever_comes_is_kept_where_a_type_takes_it() {
    let raw = json!({"A": [1, -1, 1.5, null, true, "x"], "a": {}});
    assert_eq!(conf(&json!({"Raw": raw})).raw, Some(raw));
}

// P-031
#[test]
fn an_empty_list_of_name_servers_is_told_from_none() {
    let empty: Dns = go::decode(&json!({"NameServers": [], "domain": ""})).unwrap();
    let (nameservers, domain) = (Some(vec![]), Some(String::new()));
    assert_eq!(empty, Dns { nameservers, domain, search: None, options: None });
    assert!(empty.is_empty() && empty != Dns::default());
}

// P-033
#[test]
fn a_key_at_the_top_is_found_in_any_case_the_last_of_a_kind() {
    let value = json!({"a": 1, "A": 2, "b": null});
    assert_eq!(go::member(&value, "a"), Some(&json!(2)));
    assert_eq!(go::member(&value, "B"), Some(&Value::Null));
    assert_eq!((go::member(&value, "c"), go::member(&json!([]), "a")), (None, None));
}
