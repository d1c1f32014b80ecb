//! A host end's alias (`ip link set … alias`): whose link it is, for people and for a GC that has lost its records.

use netstate::{Attachment, Shaping};

use crate::link::Seen;

/// How ours begin.
const MARK: &str = "trestle ";

/// `IFALIASZ` less the closing zero.
const LONGEST: usize = 255;

/// What the alias says.
pub(crate) fn text(owner: &Attachment) -> String {
    let mut text = format!("{MARK}{owner}");
    text.truncate(LONGEST);
    text
}

/// Whose host end a link is. The name has to agree with the alias, which anybody may write; so an alias that was cut,
/// because a container's ID is longer than any runtime's, names nobody.
pub(crate) fn owner(seen: &Seen) -> Option<Attachment> {
    marked(seen).filter(|owner| seen.is_kind("veth") && owner.host_link().as_str() == seen.name)
}

/// Whose egress waits at a link, by the same rule.
pub(crate) fn queue_owner(seen: &Seen) -> Option<Attachment> {
    marked(seen).filter(|owner| seen.is_kind("ifb") && Shaping::device(owner).as_str() == seen.name)
}

fn marked(seen: &Seen) -> Option<Attachment> {
    let mut parts = seen.alias.as_deref()?.strip_prefix(MARK)?.splitn(3, '/').map(str::to_owned);
    Some(Attachment { network: parts.next()?, container: parts.next()?, ifname: parts.next()? })
}
