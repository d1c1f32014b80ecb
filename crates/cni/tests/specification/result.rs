//! Results, in the shape of each version.

use cni::{Code, Dns, Failure, Interface, Ip, ResultError, Route, Success, Version};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

/// A dual-stack attachment to a bridge, with everything that a result can say.
pub(crate) fn full() -> Success {
    let interface = |name: &str, mac: &str, sandbox: &str| Interface {
        name: name.into(),
        mac: mac.into(),
        sandbox: sandbox.into(),
        ..Interface::default()
    };
    let ip = |address: &str, gateway: &str| Ip {
        interface: Some(2),
        address: address.parse().expect(address),
        gateway: Some(gateway.parse().expect(gateway)),
    };
    let mut container = interface("eth0", "0a:58:0a:01:00:02", "/run/netns/c1");
    container.mtu = Some(1450);
    container.socket_path = "/run/vhost.sock".into();
    container.pci_id = "0000:00:01.0".into();
    Success {
        interfaces: vec![
            interface("cni0", "0e:00:00:00:00:01", ""),
            interface("veth1", "0e:00:00:00:00:02", ""),
            container,
        ],
        ips: vec![ip("10.1.0.2/24", "10.1.0.1"), ip("fd00::2/64", "fd00::1"), ip("10.2.0.2/24", "10.2.0.1")],
        routes: vec![
            route("0.0.0.0/0", None),
            Route {
                mtu: Some(1400),
                advmss: Some(1300),
                priority: Some(5),
                table: Some(100),
                scope: Some(0),
                ..route("10.9.0.0/16", Some("10.1.0.9"))
            },
            route("::/0", Some("fd00::9")),
        ],
        dns: Dns {
            nameservers: Some(vec!["10.1.0.1".into()]),
            domain: Some("cluster.local".into()),
            search: Some(vec!["svc.cluster.local".into()]),
            options: Some(vec!["ndots:5".into()]),
        },
    }
}

fn route(dst: &str, gw: Option<&str>) -> Route {
    Route::new(dst.parse().expect(dst), gw.map(|gw| gw.parse().expect(gw)))
}

/// What IPAM might give, and a layer-2 network with nothing to say.
fn bare() -> Success {
    let address = "10.1.0.2/24".parse().expect("an address");
    Success { ips: vec![Ip { interface: None, address, gateway: None }], ..Success::default() }
}

fn prints(success: &Success, version: Version, text: &Expect) {
    text.assert_eq(&success.to_json(version).expect("it can be said in every version"));
}

// P-070 P-073 P-075
#[test]
fn results_of_0_4_0_have_their_keys_in_the_order_of_the_specification_and_always_dns() {
    prints(
        &bare(),
        Version::V0_4_0,
        &expect![[r#"
        {
            "cniVersion": "0.4.0",
            "ips": [
                {
                    "version": "4",
                    "address": "10.1.0.2/24"
                }
            ],
            "dns": {}
        }"#]],
    );
    let text = expect![[r#"
        {
            "cniVersion": "0.4.0",
            "interfaces": [
                {
                    "name": "cni0",
                    "mac": "0e:00:00:00:00:01"
                },
                {
                    "name": "veth1",
                    "mac": "0e:00:00:00:00:02"
                },
                {
                    "name": "eth0",
                    "mac": "0a:58:0a:01:00:02",
                    "sandbox": "/run/netns/c1"
                }
            ],
            "ips": [
                {
                    "version": "4",
                    "interface": 2,
                    "address": "10.1.0.2/24",
                    "gateway": "10.1.0.1"
                },
                {
                    "version": "6",
                    "interface": 2,
                    "address": "fd00::2/64",
                    "gateway": "fd00::1"
                },
                {
                    "version": "4",
                    "interface": 2,
                    "address": "10.2.0.2/24",
                    "gateway": "10.2.0.1"
                }
            ],
            "routes": [
                {
                    "dst": "0.0.0.0/0"
                },
                {
                    "dst": "10.9.0.0/16",
                    "gw": "10.1.0.9",
                    "mtu": 1400,
                    "advmss": 1300,
                    "priority": 5,
                    "table": 100,
                    "scope": 0
                },
                {
                    "dst": "::/0",
                    "gw": "fd00::9"
                }
            ],
            "dns": {
                "nameservers": [
                    "10.1.0.1"
                ],
                "domain": "cluster.local",
                "search": [
                    "svc.cluster.local"
                ],
                "options": [
                    "ndots:5"
                ]
            }
        }"#]];
    prints(&full(), Version::V0_4_0, &text);
    for version in [Version::V0_3_0, Version::V0_3_1] {
        let text = full().to_json(Version::V0_4_0).unwrap().replace("0.4.0", version.as_str());
        assert_eq!(full().to_json(version).unwrap(), text, "P-071: 0.3.0 says ips as well");
    }
}

// P-070 P-073 P-074 P-075
#[test]
fn results_of_1_0_0_have_their_keys_sorted_and_dns_only_where_it_says_something() {
    prints(&bare(), Version::V1_0_0, &expect![[r#"
        {
            "cniVersion": "1.0.0",
            "ips": [
                {
                    "address": "10.1.0.2/24"
                }
            ]
        }"#]]);
    prints(&full(), Version::V1_1_0, &expect![[r#"
        {
            "cniVersion": "1.1.0",
            "dns": {
                "domain": "cluster.local",
                "nameservers": [
                    "10.1.0.1"
                ],
                "options": [
                    "ndots:5"
                ],
                "search": [
                    "svc.cluster.local"
                ]
            },
            "interfaces": [
                {
                    "mac": "0e:00:00:00:00:01",
                    "name": "cni0"
                },
                {
                    "mac": "0e:00:00:00:00:02",
                    "name": "veth1"
                },
                {
                    "mac": "0a:58:0a:01:00:02",
                    "mtu": 1450,
                    "name": "eth0",
                    "pciID": "0000:00:01.0",
                    "sandbox": "/run/netns/c1",
                    "socketPath": "/run/vhost.sock"
                }
            ],
            "ips": [
                {
                    "address": "10.1.0.2/24",
                    "gateway": "10.1.0.1",
                    "interface": 2
                },
                {
                    "address": "fd00::2/64",
                    "gateway": "fd00::1",
                    "interface": 2
                },
                {
                    "address": "10.2.0.2/24",
                    "gateway": "10.2.0.1",
                    "interface": 2
                }
            ],
            "routes": [
                {
                    "dst": "0.0.0.0/0"
                },
                {
                    "advmss": 1300,
                    "dst": "10.9.0.0/16",
                    "gw": "10.1.0.9",
                    "mtu": 1400,
                    "priority": 5,
                    "scope": 0,
                    "table": 100
                },
                {
                    "dst": "::/0",
                    "gw": "fd00::9"
                }
            ]
        }"#]]);
    let text = full().to_json(Version::V1_1_0).unwrap().replace("1.1.0", "1.0.0");
    assert_eq!(full().to_json(Version::V1_0_0).unwrap(), text);
}

// P-072 P-073
#[test]
fn results_of_0_2_0_have_the_first_address_of_each_family_and_its_routes() {
    prints(&bare(), Version::V0_1_0, &expect![[r#"
        {
            "cniVersion": "0.1.0",
            "ip4": {
                "ip": "10.1.0.2/24"
            },
            "dns": {}
        }"#]]);
    prints(&full(), Version::V0_2_0, &expect![[r#"
        {
            "cniVersion": "0.2.0",
            "ip4": {
                "ip": "10.1.0.2/24",
                "gateway": "10.1.0.1",
                "routes": [
                    {
                        "dst": "0.0.0.0/0"
                    },
                    {
                        "dst": "10.9.0.0/16",
                        "gw": "10.1.0.9"
                    }
                ]
            },
            "ip6": {
                "ip": "fd00::2/64",
                "gateway": "fd00::1",
                "routes": [
                    {
                        "dst": "::/0",
                        "gw": "fd00::9"
                    }
                ]
            },
            "dns": {
                "nameservers": [
                    "10.1.0.1"
                ],
                "domain": "cluster.local",
                "search": [
                    "svc.cluster.local"
                ],
                "options": [
                    "ndots:5"
                ]
            }
        }"#]]);
}

// P-072
#[test]
fn routes_of_a_family_without_an_address_can_not_be_said_in_0_2_0() {
    let mut success = full();
    success.ips.retain(|ip| ip.address.is_ipv6());
    success.dns = Dns::default();
    prints(&success, Version::V0_2_0, &expect![[r#"
        {
            "cniVersion": "0.2.0",
            "ip6": {
                "ip": "fd00::2/64",
                "gateway": "fd00::1",
                "routes": [
                    {
                        "dst": "::/0",
                        "gw": "fd00::9"
                    }
                ]
            },
            "dns": {}
        }"#]]);
}

// P-072
#[test]
fn a_result_without_addresses_can_not_be_said_in_0_2_0() {
    let failure = Failure::from(Success::default().to_json(Version::V0_1_0).unwrap_err());
    assert_eq!(
        (failure.code, failure.msg.as_str()),
        (Code::Internal, "cannot convert: no valid IP addresses")
    );
}

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
