//! The default route, by one question instead of thousands of answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netstate::Family;

use super::bulk::Bulk;
use super::object::{MAIN, Route, UNICAST};
use super::wire::Message;
use crate::netlink::Refusal;
use crate::uplink::DefaultRoute;

/// Addresses that nobody has, and that hardly anybody has a route of their own to: of IPv4's reserved class E, and of
/// IPv6's global ones that are not given out.
const NOBODY: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(240, 0, 0, 1)), IpAddr::V6(Ipv6Addr::new(0x3fff, 0xffff, 0, 0, 0, 0, 0, 1))];

impl Bulk {
    /// The default route with the least metric, of the main table.
    ///
    /// The kernel is asked by which route it reaches nobody. Where that is no default route of the main table, for
    /// another leads there, or rules do, or none, all routes are read.
    pub(crate) fn default_route(&mut self, family: Family) -> Result<Option<DefaultRoute>, Refusal> {
        let is_default = |route: &Route| {
            route.destination == family.default_route()
                && route.table == MAIN
                && route.tos == 0
                && route.kind == UNICAST
        };
        let told = |route: Route| {
            let (link, gateway) = (route.way.link()?, route.way.gateway());
            Some(DefaultRoute { link, gateway, metric: route.metric })
        };
        if let Ok(Message::Route(route)) = self.socket().ask(Message::route_to(NOBODY[family as usize]))
            && is_default(&route)
            && let Some(found) = told(route)
        {
            return Ok(Some(found));
        }
        let routes = self.find_routes(&[family], &is_default)?;
        Ok(routes.into_iter().filter_map(told).min_by_key(|route| route.metric))
    }
}
