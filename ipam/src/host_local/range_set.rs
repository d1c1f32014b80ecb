//! A range set: ranges of one family that are one pool. A container gets one address of each set.

use std::fmt;
use std::net::IpAddr;

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
