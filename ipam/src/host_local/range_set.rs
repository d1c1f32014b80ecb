//! A range set: ranges of one family that are one pool. A container gets one address of each set.

use std::fmt;
use std::net::IpAddr;

use ipnetwork::IpNetwork;

use super::number;
use super::range::{Range, RangeError, Written};

/// A pool of addresses, in the order of its ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RangeSet(Vec<Range>);

/// Why a range set can't be used. The texts are the reference's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeSetError {
    /// No range in it.
    #[error("empty range set")]
    Empty,
    /// A range of it is wrong.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// IPv4 beside IPv6.
    #[error("mixed address families")]
    Mixed,
    /// Two ranges share addresses.
    #[error("subnets {0} and {1} overlap")]
    Overlap(String, String),
}

impl RangeSet {
    /// Checks a set and each of its ranges.
    pub(crate) fn new(written: &[Written]) -> Result<Self, RangeSetError> {
        let ranges = written.iter().map(Range::new).collect::<Result<Vec<_>, _>>()?;
        let first = ranges.first().ok_or(RangeSetError::Empty)?;
        if ranges.iter().any(|range| range.first().is_ipv4() != first.first().is_ipv4()) {
            return Err(RangeSetError::Mixed);
        }
        for (index, one) in ranges.iter().enumerate() {
            if let Some(other) = ranges[index + 1..].iter().find(|other| one.overlaps(other)) {
                return Err(RangeSetError::Overlap(one.to_string(), other.to_string()));
            }
        }
        Ok(Self(ranges))
    }

    pub(crate) fn is_ipv4(&self) -> bool {
        self.0.iter().all(|range| range.first().is_ipv4())
    }

    /// The subnet of each range.
    pub(crate) fn subnets(&self) -> impl Iterator<Item = IpNetwork> {
        self.0.iter().map(Range::subnet)
    }

    /// The range that the address is in.
    pub(crate) fn range_of(&self, address: IpAddr) -> Option<&Range> {
        self.0.iter().find(|range| range.contains(address))
    }

    /// Have the two an address in common?
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().any(|one| other.0.iter().any(|two| one.overlaps(two)))
    }

    /// How many addresses it can give.
    pub(crate) fn capacity(&self) -> u128 {
        self.0.iter().map(Range::capacity).fold(0, u128::saturating_add)
    }

    /// Every address that a container can get, each once, beginning after `last`, and from the start where `last` is
    /// absent or of no range of ours.
    pub(crate) fn round(&self, last: Option<IpAddr>) -> Round<'_> {
        let position = last.and_then(|last| self.0.iter().position(|range| range.contains(last)));
        match (position, last) {
            (Some(index), Some(last)) => Round { set: self, index, current: Some(last), start: None },
            _ => Round { set: self, index: 0, current: None, start: None },
        }
    }
}

impl fmt::Display for RangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            write!(f, "{}{range}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// One way round a range set, see [`RangeSet::round`].
#[derive(Debug, Clone)]
pub(crate) struct Round<'a> {
    set: &'a RangeSet,
    index: usize,
    current: Option<IpAddr>,
    start: Option<IpAddr>,
}

impl Round<'_> {
    /// The address after the current one, across the ends of ranges.
    fn advance(&mut self) -> IpAddr {
        let ranges = &self.set.0;
        match self.current {
            None => ranges[self.index].first(),
            Some(current) if current == ranges[self.index].last() => {
                self.index = (self.index + 1) % ranges.len();
                ranges[self.index].first()
            }
            Some(current) => number::next(current),
        }
    }
}

impl<'a> Iterator for Round<'a> {
    type Item = (IpAddr, &'a Range);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let address = self.advance();
            if self.start == Some(address) {
                return None;
            }
            self.start.get_or_insert(address);
            self.current = Some(address);
            let range = &self.set.0[self.index];
            if address != range.gateway() {
                return Some((address, range));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(subnet: &&str) -> Written {
        Written { subnet: Some(subnet.parse().unwrap()), ..Written::default() }
    }

    fn set(subnets: &[&str]) -> Result<RangeSet, RangeSetError> {
        RangeSet::new(&subnets.iter().map(written).collect::<Vec<_>>())
    }

    fn round(subnets: &[&str], last: &str) -> Vec<String> {
        let set = set(subnets).unwrap();
        set.round(last.parse().ok()).map(|(address, _)| address.to_string()).collect()
    }

    #[test]
    fn a_round_visits_every_address_but_gateways_once() {
        let whole = ["192.168.1.2", "192.168.1.3", "192.168.1.4", "192.168.1.5", "192.168.1.6"];
        let turned = ["192.168.1.4", "192.168.1.5", "192.168.1.6", "192.168.1.2", "192.168.1.3"];
        for (last, expected) in
            [("", whole), ("192.168.1.6", whole), ("192.168.1.3", turned), ("10.9.9.9", whole)]
        {
            assert_eq!(round(&["192.168.1.0/29"], last), expected, "after {last:?}");
        }
    }

    #[test]
    fn a_round_goes_on_in_the_next_range() {
        let three = ["10.0.0.0/30", "10.0.1.0/30", "10.0.2.0/30"];
        for (last, expected) in [
            ("", ["10.0.0.2", "10.0.1.2", "10.0.2.2"]),
            ("10.0.0.2", ["10.0.1.2", "10.0.2.2", "10.0.0.2"]),
            ("10.0.2.2", ["10.0.0.2", "10.0.1.2", "10.0.2.2"]),
        ] {
            assert_eq!(round(&three, last), expected, "after {last:?}");
        }
    }

    #[test]
    fn a_round_of_nothing_but_a_gateway_ends() {
        let only = Written {
            subnet: Some("10.0.0.0/24".parse().unwrap()),
            range_end: Some("10.0.0.1".parse().unwrap()),
            ..Written::default()
        };
        let set = RangeSet::new(&[only]).unwrap();
        assert_eq!((set.round(None).count(), set.capacity()), (0, 0));
    }

    #[test]
    fn a_round_goes_past_the_last_address_of_all() {
        assert_eq!(round(&["255.255.255.252/30"], "255.255.255.254"), ["255.255.255.254"]);
        let end = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc/126";
        assert_eq!(
            round(&[end], "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]
        );
    }

    #[test]
    fn an_address_belongs_to_the_range_that_holds_it() {
        let set = set(&["192.168.0.0/24", "172.16.1.0/24"]).unwrap();
        assert_eq!(set.range_of("192.168.0.55".parse().unwrap()), set.0.first());
        assert_eq!(set.range_of("192.168.99.99".parse().unwrap()), None);
        assert_eq!(set.to_string(), "192.168.0.1-192.168.0.254,172.16.1.1-172.16.1.254");
    }

    #[test]
    fn a_set_of_overlapping_mixed_or_no_ranges_is_refused_in_the_words_of_the_reference() {
        for (subnets, text) in [
            (
                &["192.168.0.0/20", "192.168.2.0/24"][..],
                "subnets 192.168.0.1-192.168.15.254 and 192.168.2.1-192.168.2.254 overlap",
            ),
            (&["10.1.0.0/24", "2001:db8::/64"], "mixed address families"),
            (&[], "empty range set"),
            (&["10.1.0.0/31"], "Network 10.1.0.0/31 too small to allocate from"),
        ] {
            assert_eq!(set(subnets).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn sets_overlap_where_ranges_of_theirs_do() {
        let [wide, inner, other] = [&["192.168.0.0/20"][..], &["192.168.2.0/24"], &["10.0.0.0/24"]]
            .map(|subnets| set(subnets).unwrap());
        assert!(wide.overlaps(&inner) && inner.overlaps(&wide) && !wide.overlaps(&other));
    }
}
