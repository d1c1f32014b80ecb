//! All cases, by group.

mod breakage;
mod chained;
mod chains;
mod concurrency;
#[cfg(test)]
mod coverage;
mod crash;
mod gc;
mod interface;
mod ipam;
mod leak;
mod protocol;
mod quirks;
mod status;
#[cfg(test)]
mod titles;
mod traffic;

use crate::case::{Ground, Group};

/// The groups in reading order.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        name: "protocol",
        ground: Ground::Shared,
        cases: &[
            protocol::environment::CASES,
            protocol::input::CASES,
            protocol::versions::CASES,
            protocol::add::CASES,
            protocol::check::CASES,
            protocol::del::CASES,
            protocol::upkeep::CASES,
            protocol::results::CASES,
            protocol::delegation::CASES,
        ],
    },
    own(
        "interface",
        &[
            interface::addresses::CASES,
            interface::link::CASES,
            interface::surroundings::CASES,
            interface::bridge::CASES,
        ],
    ),
    own(
        "chained",
        &[
            chained::tuning::CASES,
            chained::bandwidth::CASES,
            chained::sbr::CASES,
            chained::portmap::CASES,
            chained::firewall::CASES,
            chained::vrf::CASES,
        ],
    ),
    own("ipam", &[ipam::host_local::CASES, ipam::order::CASES, ipam::fixed::CASES, ipam::dhcp::CASES]),
    own("chains", &[chains::CASES]),
    own("concurrency", &[concurrency::CASES]),
    own("crash", &[crash::CASES]),
    own("leak", &[leak::CASES]),
    own("gc", &[gc::CASES]),
    own("status", &[status::CASES]),
    own("traffic", &[traffic::CASES]),
    own("quirks", &[quirks::CASES]),
];

const fn own(name: &'static str, cases: &'static [&'static [crate::case::Case]]) -> Group {
    Group { name, ground: Ground::Own, cases }
}
