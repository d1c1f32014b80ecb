//! What a pass can rest on.

use host::watch::{Topic, Wake};

/// What is known of the kernel before a pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ground {
    /// Nothing: it looks at everything.
    #[default]
    Unknown,
    /// The last pass found all as it was wanted. Something was heard of the kernel since, but of no next hop, neighbour or
    /// forwarding entry, each of which it tells of: links, routes and packet rules are looked at.
    Told,
    /// The last pass found all as it was wanted, and nothing was heard of the kernel since.
    Confirmed,
}

impl Ground {
    /// What is left of it when the kernel has said this.
    #[must_use]
    pub(crate) fn after(self, wake: Wake) -> Self {
        let all = [Topic::NextHop, Topic::Neighbour].into_iter().any(|topic| wake.touches(topic));
        self.min(if all { Self::Unknown } else { Self::Told })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_routes_do_not_tell_is_looked_at_where_it_was_touched_or_may_have_been() {
        let after = |topic: Topic| Ground::Confirmed.after(topic.into());
        for topic in [Topic::NextHop, Topic::Neighbour, Topic::Lost] {
            assert_eq!(after(topic), Ground::Unknown);
        }
        for topic in [Topic::Link, Topic::Address, Topic::Route, Topic::Forwarding, Topic::Rules] {
            assert_eq!(after(topic), Ground::Told);
        }
        assert_eq!(after(Topic::NextHop).after(Topic::Route.into()), Ground::Unknown);
    }
}
