//! Results to be printed and read.

use cni::{Dns, Interface, Ip, Route, Success};

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

/// A route with nothing but where it leads.
pub(crate) fn route(dst: &str, gw: Option<&str>) -> Route {
    Route::new(dst.parse().expect(dst), gw.map(|gw| gw.parse().expect(gw)))
}

/// What IPAM might give, and a layer-2 network with nothing to say.
pub(crate) fn bare() -> Success {
    let address = "10.1.0.2/24".parse().expect("an address");
    Success { ips: vec![Ip { interface: None, address, gateway: None }], ..Success::default() }
}
