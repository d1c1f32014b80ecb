//! What we print, in the shape of each version.

use cni::{Code, Dns, Failure, Success, Version};
use expect_test::{Expect, expect};

use crate::example::{bare, full};

fn prints(success: &Success, version: Version, text: &Expect) {
    text.assert_eq(&success.to_json(version).expect("it can be said in this version"));
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
    prints(
        &bare(),
        Version::V1_0_0,
        &expect![[r#"
        {
            "cniVersion": "1.0.0",
            "ips": [
                {
                    "address": "10.1.0.2/24"
                }
            ]
        }"#]],
    );
    prints(
        &full(),
        Version::V1_1_0,
        &expect![[r#"
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
        }"#]],
    );
    let text = full().to_json(Version::V1_1_0).unwrap().replace("1.1.0", "1.0.0");
    assert_eq!(full().to_json(Version::V1_0_0).unwrap(), text);
}

// P-072 P-073
#[test]
fn results_of_0_2_0_have_the_first_address_of_each_family_and_its_routes() {
    prints(
        &bare(),
        Version::V0_1_0,
        &expect![[r#"
        {
            "cniVersion": "0.1.0",
            "ip4": {
                "ip": "10.1.0.2/24"
            },
            "dns": {}
        }"#]],
    );
    prints(
        &full(),
        Version::V0_2_0,
        &expect![[r#"
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
        }"#]],
    );
}

// P-072
#[test]
fn routes_of_a_family_without_an_address_can_not_be_said_in_0_2_0() {
    let mut success = full();
    success.ips.retain(|ip| ip.address.is_ipv6());
    success.dns = Dns::default();
    prints(
        &success,
        Version::V0_2_0,
        &expect![[r#"
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
        }"#]],
    );
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
