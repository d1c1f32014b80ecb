//! Configurations as the reference's tests and runtimes write them.

use cni::{Command, Config, Failure};
use serde_json::{Value, json};

use super::*;

fn request(config: &Value, args: &str) -> Request {
    let stdin = config.to_string().into_bytes();
    Request {
        command: Command::Add,
        container: "c1".to_owned(),
        ifname: "eth0".to_owned(),
        netns: None,
        args: args.to_owned(),
        path: Vec::new(),
        config: Config::parse(&stdin).unwrap(),
        stdin,
    }
}

fn network(version: &str, ipam: &Value) -> Value {
    json!({"cniVersion": version, "name": "mynet", "type": "ipvlan", "ipam": ipam})
}

fn sets(settings: &Settings) -> Vec<String> {
    settings.sets.iter().map(ToString::to_string).collect()
}

fn requested(settings: &Settings) -> Vec<String> {
    settings.requested.iter().map(ToString::to_string).collect()
}

fn failure(config: &Value, args: &str) -> (u32, String, String) {
    let failure = Failure::from(Settings::of(&request(config, args)).unwrap_err());
    (failure.code.number(), failure.msg, failure.details)
}

#[test]
fn an_old_style_range_is_a_set_of_its_own() {
    let ipam = json!({
        "type": "host-local", "subnet": "10.1.2.0/24", "rangeStart": "10.1.2.9", "rangeEnd": "10.1.2.20",
        "gateway": "10.1.2.30"
    });
    let settings = Settings::of(&request(&network("0.3.1", &ipam), "")).unwrap();
    assert_eq!(sets(&settings), ["10.1.2.9-10.1.2.20"]);
    assert_eq!(settings.place, Place { data_dir: DATA_DIR.into(), network: "mynet".to_owned() });
}

#[test]
fn a_new_style_configuration_has_sets_of_ranges_and_routes() {
    let ipam = json!({
        "type": "host-local", "dataDir": "/some/where",
        "ranges": [
            [{"subnet": "10.1.2.0/24", "rangeStart": "10.1.2.9", "rangeEnd": "10.1.2.20"}],
            [{"subnet": "11.1.2.0/24"}, {"subnet": "11.1.3.0/24"}],
        ],
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "192.168.0.0/16", "gw": "10.10.5.1", "mtu": 1400}],
    });
    let settings = Settings::of(&request(&network("0.3.1", &ipam), "")).unwrap();
    assert_eq!(sets(&settings), ["10.1.2.9-10.1.2.20", "11.1.2.1-11.1.2.254,11.1.3.1-11.1.3.254"]);
    let mut routed = Route::new("192.168.0.0/16".parse().unwrap(), Some("10.10.5.1".parse().unwrap()));
    routed.mtu = Some(1400);
    assert_eq!(settings.routes, [Route::new("0.0.0.0/0".parse().unwrap(), None), routed]);
    assert_eq!(settings.place.data_dir.to_str(), Some("/some/where"));
}

// P-060
#[test]
fn the_runtimes_ranges_come_first_however_it_capitalises_them() {
    let mut config = network(
        "0.3.1",
        &json!({
            "subnet": "10.1.2.0/24", "rangeStart": "10.1.2.9", "rangeEnd": "10.1.2.20", "gateway": "",
            "ranges": [[{"subnet": "11.1.2.0/24", "rangeStart": "11.1.2.9", "rangeEnd": "11.1.2.20"}]],
        }),
    );
    config["runtimeConfig"] = json!({
        "ipRanges": [[{"subnet": "12.1.3.0/24"}, {"subnet": "13.1.3.0/24"}], [{"subnet": "14.1.3.0/24"}]]
    });
    let expected = [
        "12.1.3.1-12.1.3.254,13.1.3.1-13.1.3.254",
        "14.1.3.1-14.1.3.254",
        "10.1.2.9-10.1.2.20",
        "11.1.2.9-11.1.2.20",
    ];
    assert_eq!(sets(&Settings::of(&request(&config, "")).unwrap()), expected);
    config["runtimeConfig"] = Value::Null;
    let go = |subnet| json!({"Subnet": subnet, "RangeStart": "", "RangeEnd": "", "Gateway": ""});
    config["RuntimeConfig"] =
        json!({"IPRanges": [[go("12.1.3.0/24"), go("13.1.3.0/24")], [go("14.1.3.0/24")]], "IPs": null});
    assert_eq!(sets(&Settings::of(&request(&config, "")).unwrap()), expected);
}

fn asking(cni_ips: &Value, runtime_ips: &Value) -> Value {
    let mut config =
        network("1.0.0", &json!({"ranges": [[{"subnet": "10.1.2.0/24"}], [{"subnet": "11.1.2.0/24"}]]}));
    config["args"] = json!({"cni": {"ips": cni_ips}});
    config["runtimeConfig"] = json!({"ips": runtime_ips});
    config
}

// P-061, P-062
#[test]
fn addresses_are_requested_in_three_places_with_and_without_a_prefix_length() {
    let unset = json!([]);
    for (config, args, expected) in [
        (asking(&unset, &unset), "IP=10.1.2.10", &["10.1.2.10"][..]),
        (asking(&unset, &unset), "IgnoreUnknown=1;K8S_POD_NAME=x;IP=10.1.2.11/24", &["10.1.2.11"]),
        (asking(&json!(["10.1.2.11", "11.1.2.12"]), &unset), "", &["10.1.2.11", "11.1.2.12"]),
        (asking(&json!(["10.1.2.11/24", "11.1.2.12/24"]), &unset), "", &["10.1.2.11", "11.1.2.12"]),
        (asking(&unset, &json!(["192.168.0.1", "192.168.0.5/24"])), "", &["192.168.0.1", "192.168.0.5"]),
        (asking(&unset, &json!(["2001:db8::A/64", "::ffff:10.1.2.3"])), "", &["2001:db8::a", "10.1.2.3"]),
    ] {
        assert_eq!(requested(&Settings::of(&request(&config, args)).unwrap()), expected);
    }
}

// P-061
#[test]
fn args_silence_cni_args_and_what_is_said_twice_counts_once() {
    let config = asking(&json!(["10.1.2.11/24"]), &json!(["10.1.2.11", "11.1.2.12", ""]));
    let settings = Settings::of(&request(&config, "IP=10.1.2.99")).unwrap();
    assert_eq!(requested(&settings), ["10.1.2.11", "11.1.2.12"]);
    let config = asking(&json!(["", null]), &json!(["10.1.2.11"]));
    let settings = Settings::of(&request(&config, "IP=10.1.2.11")).unwrap();
    assert_eq!(requested(&settings), ["10.1.2.11"]);
}

#[test]
fn a_configuration_that_can_not_be_followed_is_refused_with_the_references_words_key_and_value() {
    let ranges = |ranges: Value| network("0.3.1", &json!({"ranges": ranges}));
    for (config, code, msg, details) in [
        (json!({"cniVersion": "0.3.1", "name": "n"}), 7, "IPAM config missing 'ipam' key", ""),
        (ranges(json!(null)), 7, "no IP ranges specified", ""),
        (
            ranges(json!([[{"subnet": "10.1.2.0/24"}], [{"subnet": "10.1.2.0/24"}]])),
            7,
            "range set 0 overlaps with 1",
            "ipam.ranges[0], ipam.ranges[1]",
        ),
        (
            ranges(json!([[{"subnet": "10.1.0.0/22"}, {"subnet": "10.1.2.0/24"}]])),
            7,
            "invalid range set 0: subnets 10.1.0.1-10.1.3.254 and 10.1.2.1-10.1.2.254 overlap",
            "ipam.ranges[0]",
        ),
        (
            ranges(json!([[{"subnet": "10.1.0.0/22"}, {"subnet": "2001:db8:5::/64"}]])),
            7,
            "invalid range set 0: mixed address families",
            "ipam.ranges[0]",
        ),
        (ranges(json!([[]])), 7, "invalid range set 0: empty range set", "ipam.ranges[0]"),
        (
            ranges(json!([[{"subnet": "10.1.0.1/22"}]])),
            7,
            "invalid range set 0: Network has host bits set. For a subnet mask of length 22 the network address is 10.1.0.0",
            "ipam.ranges[0]",
        ),
        (
            ranges(json!([[{"subnet": "10.1.0.0"}]])),
            7,
            r#"ipam.ranges[0][0].subnet: invalid value "10.1.0.0": invalid CIDR address"#,
            "",
        ),
        (
            network("0.3.1", &json!({"subnet": "10.1.0.0/24", "rangeStart": "10.1"})),
            7,
            r#"ipam.rangeStart: invalid value "10.1": invalid IP address"#,
            "",
        ),
        (
            network("1.1.0", &json!({"subnet": "10.1.0.0/24", "statusWhenExhausted": "maybe"})),
            7,
            r#"ipam.statusWhenExhausted: invalid value "maybe": expected one of error, ready"#,
            "",
        ),
        (
            network("0.3.1", &json!({"subnet": "10.1.0.0/24", "resolvConf": "/nowhere/resolv.conf"})),
            5,
            "ipam.resolvConf: cannot read /nowhere/resolv.conf: No such file or directory (os error 2)",
            "",
        ),
        (
            asking(&json!(["10.1.2.300"]), &json!(null)),
            7,
            r#"args.cni.ips[0]: invalid value "10.1.2.300": invalid IP address"#,
            "",
        ),
    ] {
        assert_eq!(failure(&config, ""), (code, msg.to_owned(), details.to_owned()));
    }
}

// P-062
#[test]
fn cni_args_that_can_not_be_read_are_refused() {
    let config = network("0.3.1", &json!({"subnet": "10.1.0.0/24"}));
    for (args, msg) in [
        ("MAC=0a:00:00:00:00:01", r#"ARGS: unknown args ["MAC=0a:00:00:00:00:01"]"#),
        ("IP", r#"ARGS: invalid pair "IP""#),
        ("IP=10.1", r#"CNI_ARGS: IP: invalid value "10.1": invalid IP address"#),
    ] {
        assert_eq!(failure(&config, args), (4, msg.to_owned(), String::new()));
    }
}

#[test]
fn up_to_0_2_0_there_is_room_for_one_address_of_each_family() {
    let two = json!({"ranges": [[{"subnet": "10.1.2.0/24"}], [{"subnet": "11.1.2.0/24"}]]});
    let text = "CNI version 0.2.0 does not support more than 1 address per family";
    assert_eq!(failure(&network("0.2.0", &two), "").1, text);
    let dual = json!({"ranges": [[{"subnet": "10.1.2.0/24"}], [{"subnet": "2001:db8:1::/48"}]]});
    assert_eq!(Settings::of(&request(&network("0.2.0", &dual), "")).unwrap().sets.len(), 2);
}

#[test]
fn where_the_addresses_are_kept_is_read_from_a_configuration_that_is_otherwise_wrong() {
    for ipam in [json!({"dataDir": "/d", "ranges": 5, "subnet": "x"}), json!({"DATADIR": "/d"})] {
        let place = Place::of(&request(&network("0.3.1", &ipam), "no=pair=s")).unwrap();
        assert_eq!(place, Place { data_dir: "/d".into(), network: "mynet".to_owned() });
    }
    for config in [
        json!({"name": "n"}),
        json!({"name": "n", "ipam": null}),
        json!({"name": "n", "ipam": {"dataDir": ""}}),
    ] {
        let place = Place::of(&request(&config, "")).unwrap();
        assert_eq!(place, Place { data_dir: DATA_DIR.into(), network: "n".to_owned() });
    }
}

#[test]
fn status_is_silent_where_the_runtime_supplies_the_ranges() {
    let mut config = network("1.1.0", &json!({}));
    assert_eq!(
        Settings::for_status(&request(&config, "")).unwrap_err().to_string(),
        "no IP ranges specified"
    );
    config["capabilities"] = json!({"ipRanges": true});
    assert!(Settings::for_status(&request(&config, "")).unwrap().is_none());
}

#[test]
fn what_status_says_of_an_exhausted_range_is_a_key() {
    for (word, wanted) in [("ready", WhenExhausted::Ready), ("error", WhenExhausted::Error)] {
        let config = network("1.1.0", &json!({"subnet": "10.1.0.0/24", "statusWhenExhausted": word}));
        let settings = Settings::for_status(&request(&config, "")).unwrap().unwrap();
        assert_eq!(settings.when_exhausted, wanted);
    }
}
