//! A route change as a record's line: `CHANGE DESTINATION GATEWAY LINK PRIORITY TABLE SCOPE MTU ADVMSS SOURCE PROTOCOL
//! ONLINK`, each a word, `-` for what is absent.

use std::fmt::Display;
use std::str::FromStr;

use netstate::{Change, KernelRoute, Route, RouteChange, Scope};

/// What stands for nothing.
const ABSENT: &str = "-";

/// The line.
pub(super) fn print(RouteChange { change, kernel }: &RouteChange) -> String {
    let KernelRoute { route, protocol, onlink } = kernel;
    let Route { destination, gateway, link, priority, table, scope, mtu, advmss, source } = route;
    [
        match change {
            Change::Added => "added".to_owned(),
            Change::Taken => "taken".to_owned(),
        },
        destination.to_string(),
        word(gateway.as_ref()),
        link.to_string(),
        word(priority.as_ref()),
        word(table.as_ref()),
        word(scope.map(|scope| scope.0).as_ref()),
        word(mtu.as_ref()),
        word(advmss.as_ref()),
        word(source.as_ref()),
        protocol.to_string(),
        word(onlink.then_some("onlink").as_ref()),
    ]
    .join(" ")
}

/// Reads it back.
pub(super) fn parse(text: &str) -> Option<RouteChange> {
    let words: Vec<&str> = text.split(' ').collect();
    let [change, destination, gateway, link, priority, table, scope, mtu, advmss, source, protocol, onlink] =
        *words
    else {
        return None;
    };
    let route = Route {
        destination: destination.parse().ok()?,
        gateway: value(gateway)?,
        link: link.parse().ok()?,
        priority: value(priority)?,
        table: value(table)?,
        scope: value(scope)?.map(Scope),
        mtu: value(mtu)?,
        advmss: value(advmss)?,
        source: value(source)?,
    };
    Some(RouteChange {
        change: match change {
            "added" => Change::Added,
            "taken" => Change::Taken,
            _ => return None,
        },
        kernel: KernelRoute { route, protocol: protocol.parse().ok()?, onlink: onlink != ABSENT },
    })
}

fn word(value: Option<&impl Display>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), ToString::to_string)
}

#[expect(clippy::option_option, reason = "absent, or broken")]
fn value<T: FromStr>(word: &str) -> Option<Option<T>> {
    if word == ABSENT { Some(None) } else { word.parse().ok().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_comes_back_from_its_line() {
        let bare = Route {
            destination: "fd01::/64".parse().unwrap(),
            gateway: None,
            link: "eth0".parse().unwrap(),
            priority: None,
            table: None,
            scope: None,
            mtu: None,
            advmss: None,
            source: None,
        };
        let full = Route {
            destination: "0.0.0.0/0".parse().unwrap(),
            gateway: Some("10.1.2.1".parse().unwrap()),
            priority: Some(100),
            table: Some(1000),
            scope: Some(Scope::LINK),
            mtu: Some(1400),
            advmss: Some(1360),
            ..bare.clone()
        };
        let whole = |route, change| RouteChange {
            change,
            kernel: KernelRoute { route, protocol: KernelRoute::OF_THE_KERNEL, onlink: false },
        };
        let mut odd = whole(full, Change::Added);
        odd.kernel.route.source = Some("10.1.2.3".parse().unwrap());
        odd.kernel.onlink = true;
        for change in [whole(bare, Change::Taken), odd] {
            assert_eq!(parse(&print(&change)), Some(change));
        }
        assert_eq!(parse("added 10.0.0.0/8"), None);
    }
}
