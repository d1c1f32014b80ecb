//! The network configuration.

use cni::{Code, Config, Failure, ValidAttachment, ValidAttachments};

use crate::stage::{Probe, call, config_with, variables};

fn refusal(stdin: &str) -> (Code, String, String) {
    let Failure { code, msg, details } = Config::parse(stdin.as_bytes()).unwrap_err().into();
    (code, msg, details)
}

// P-008
#[test]
fn stdin_has_to_be_an_object_with_a_name() {
    for (stdin, code, message) in [
        ("", Code::Decode, "error unmarshall network config: EOF while parsing a value at line 1 column 0"),
        (
            "{",
            Code::Decode,
            "error unmarshall network config: EOF while parsing an object at line 1 column 1",
        ),
        ("[]", Code::Decode, "error unmarshall network config: invalid value []: expected object"),
        (
            r#"{"name":5}"#,
            Code::Decode,
            "error unmarshall network config: name: invalid value 5: expected string",
        ),
        (
            r#"{"name":"net","cniVersion":1}"#,
            Code::Decode,
            "error unmarshall network config: cniVersion: invalid value 1: expected string",
        ),
        ("{}", Code::InvalidConfig, "missing network name"),
        (r#"{"name":""}"#, Code::InvalidConfig, "missing network name"),
        ("null", Code::InvalidConfig, "missing network name"),
    ] {
        assert_eq!(refusal(stdin), (code, message.to_owned(), String::new()), "{stdin}");
    }
}

// P-008 P-032
#[test]
fn a_network_name_has_no_other_characters_than_the_specification_allows() {
    for name in ["te%%st", "_net", "a b", "a/b", ".."] {
        let expected =
            (Code::InvalidConfig, "invalid characters found in network name".to_owned(), name.to_owned());
        assert_eq!(refusal(&format!(r#"{{"name":"{name}"}}"#)), expected);
    }
    assert!(Config::parse(br#"{"name":"My_net.1-a"}"#).is_ok());
}

// P-008
#[test]
fn a_bad_name_is_told_before_a_bad_version() {
    let outcome =
        call(&Probe::default(), &variables("ADD", &[]), r#"{"name":"te%%st","cniVersion":"9.9.9"}"#);
    assert!(outcome.stdout.contains("invalid characters found in network name"), "{outcome:?}");
}

// P-028 P-030 P-031
#[test]
fn keys_that_nobody_knows_are_no_error() {
    let config = config_with(
        "1.1.0",
        r#""capabilities":{"mac":true},"runtimeConfig":{"x":1},"args":{"cni":{}},"cni.dev/attachments":[],"zz":{}"#,
    );
    assert_eq!(config.decode::<serde_json::Value>().unwrap()["zz"], serde_json::json!({}));
}

// P-035
#[test]
fn without_a_previous_result_there_is_none() {
    for keys in [r#""x":1"#, r#""prevResult":null"#] {
        assert_eq!(config_with("0.4.0", keys).prev_result(), Ok(None));
    }
}

// P-034
#[test]
fn a_previous_result_without_a_version_is_of_the_configurations() {
    for (version, keys) in [
        ("0.2.0", r#""prevResult":{"ip4":{"ip":"10.1.0.2/24"}}"#),
        ("0.3.1", r#""prevResult":{"ips":[{"version":"4","address":"10.1.0.2/24"}]}"#),
        ("1.0.0", r#""prevresult":{"cniVersion":"","IPS":[{"Address":"10.1.0.2/24","interface":-1}]}"#),
        ("0.4.0", r#""prevResult":{"cniVersion":"0.2.0","ip4":{"ip":"10.1.0.2/24"},"ip6":null}"#),
    ] {
        let result = config_with(version, keys).prev_result().unwrap().expect(keys);
        let ips: Vec<_> = result.ips.iter().map(|ip| (ip.address.to_string(), ip.interface)).collect();
        assert_eq!(ips, [("10.1.0.2/24".to_owned(), None)], "{keys}");
    }
}

// P-034
#[test]
fn a_previous_result_that_can_not_be_read_is_told_with_key_and_value() {
    for (keys, message) in [
        (r#""prevResult":{"cniVersion":"9.9.9"}"#, r#"unsupported CNI result version "9.9.9""#),
        (r#""prevResult":"x""#, r#"invalid value "x": expected object"#),
        (
            r#""prevResult":{"ips":[{"address":"10.1.0.2"}]}"#,
            r#"ips[0].address: invalid value "10.1.0.2": invalid CIDR address"#,
        ),
        (r#""prevResult":{"ips":[{}]}"#, "ips[0].address: missing"),
    ] {
        let failure = Failure::from(config_with("1.0.0", keys).prev_result().unwrap_err());
        assert_eq!(failure.code, Code::InvalidConfig);
        assert_eq!(failure.msg, format!("could not parse prevResult: {message}"));
    }
}

// P-046
#[test]
fn valid_attachments_are_a_list_of_containers_and_interfaces() {
    let one = ValidAttachment { container: "c1".into(), ifname: "eth0".into() };
    for (keys, expected) in [
        (r#""cni.dev/valid-attachments":[]"#, vec![]),
        (r#""cni.dev/valid-attachments":[{"containerID":"c1","ifname":"eth0"}]"#, vec![one.clone()]),
        (r#""cni.dev/valid-attachments":[{"ContainerID":"c1","IfName":"eth0"}]"#, vec![one]),
    ] {
        let valid = config_with("1.1.0", keys).valid_attachments().unwrap();
        assert_eq!(valid.known(), Some(&expected[..]));
        assert_eq!(valid, ValidAttachments::List(expected));
    }
    let wrong =
        config_with("1.1.0", r#""cni.dev/valid-attachments":[{"containerID":1}]"#).valid_attachments();
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "cni.dev/valid-attachments[0].containerID: invalid value 1: expected string"
    );
}

// P-047
#[test]
fn absent_valid_attachments_are_told_from_none() {
    let absent = config_with("1.1.0", r#""cni.dev/attachments":[]"#).valid_attachments().unwrap();
    assert_eq!((absent.known(), &absent), (None, &ValidAttachments::Absent));
    let null = config_with("1.1.0", r#""cni.dev/valid-attachments":null"#).valid_attachments().unwrap();
    assert_eq!((null.known(), &null), (Some(&[][..]), &ValidAttachments::Null));
}

// P-031
#[test]
fn the_ipam_plugin_is_named_by_its_type() {
    for (keys, kind) in [
        (r#""ipam":{"type":"host-local"}"#, Some("host-local")),
        (r#""IPAM":{"Type":"host-local"}"#, Some("host-local")),
        (r#""ipam":{"type":""}"#, None),
        (r#""ipam":{}"#, None),
        (r#""ipam":null"#, None),
        (r#""x":1"#, None),
    ] {
        assert_eq!(config_with("1.0.0", keys).ipam_kind().as_deref(), kind, "{keys}");
    }
}
