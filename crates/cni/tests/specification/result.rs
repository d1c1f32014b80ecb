//! Results as they are read.

use cni::{ResultError, Route, Success, Version};
use serde_json::{Value, json};

use crate::example::{bare, full, route};

/// What is lost on the way to a version and back.
fn reduced(version: Version) -> Success {
    let mut success = full();
    if version < Version::V1_0_0 {
        let container = success.interfaces.last_mut().expect("three interfaces");
        (container.mtu, container.socket_path, container.pci_id) = (None, String::new(), String::new());
    }
    if version < Version::V0_3_0 {
        success.interfaces.clear();
        success.ips.pop();
        success.ips.iter_mut().for_each(|ip| ip.interface = None);
        success.routes = success.routes.iter().map(|route| Route::new(route.dst, route.gw)).collect();
    }
    success
}

// P-035 P-053 P-072
#[test]
fn a_result_of_every_version_is_read_back_as_far_as_the_version_can_say_it() {
    for version in Version::ALL.iter().copied() {
        let value: Value = serde_json::from_str(&full().to_json(version).unwrap()).unwrap();
        assert_eq!(Success::from_value(Version::LATEST, &value), Ok(reduced(version)), "{version}");
    }
}

// P-073
#[test]
fn an_index_below_0_and_a_missing_one_are_the_same() {
    for ip in [json!({"address": "10.1.0.2/24", "interface": -1}), json!({"address": "10.1.0.2/24"})] {
        assert_eq!(Success::from_value(Version::V1_0_0, &json!({"ips": [ip]})), Ok(bare()));
    }
    let first = json!({"ips": [{"address": "10.1.0.2/24", "interface": 0}]});
    let first = Success::from_value(Version::V1_0_0, &first).unwrap();
    assert_eq!(first.ips[0].interface, Some(0));
    assert!(first.to_json(Version::V0_4_0).unwrap().contains("\"interface\": 0,"));
}

// P-074
#[test]
fn table_and_scope_0_are_told_from_absent_and_the_other_numbers_are_not() {
    let read =
        |route: Value| Success::from_value(Version::V1_1_0, &json!({"routes": [route]})).unwrap().routes;
    let zeros =
        json!({"dst": "::/0", "mtu": 0, "advmss": 0, "priority": 0, "table": 0, "scope": 0, "gw": ""});
    let expected = Route { table: Some(0), scope: Some(0), ..route("::/0", None) };
    assert_eq!(read(zeros), [expected]);
    assert_eq!(
        read(json!({"dst": "::/0", "scope": 253})),
        [Route { scope: Some(253), ..route("::/0", None) }]
    );
}

// P-053
#[test]
fn bits_beyond_the_prefix_are_kept() {
    let value = json!({"ips": [{"address": "10.1.0.2/24"}], "routes": [{"dst": "10.9.8.7/16"}]});
    let success = Success::from_value(Version::V1_0_0, &value).unwrap();
    assert_eq!(
        (success.ips[0].address.to_string(), success.routes[0].dst.to_string()),
        ("10.1.0.2/24".to_owned(), "10.9.8.7/16".to_owned())
    );
}

// P-053
#[test]
fn an_ipam_result_without_an_address_is_refused() {
    assert_eq!(bare().require_ips(), Ok(bare()));
    let error = Success::default().require_ips().unwrap_err();
    assert_eq!(
        (&error, error.to_string().as_str()),
        (&ResultError::NoIpConfig, "IPAM plugin returned missing IP config")
    );
}
