//! Ownership: every element says in its comment whose it is.

use std::fmt;

use netstate::{Attachment, Mac};

/// `NFTNL_UDATA_COMMENT_MAXLEN`: the longest comment, in bytes, that `nft` takes.
pub(super) const COMMENT_LIMIT: usize = 128;

/// Before the name, where the container asks for the same by another of its interfaces.
const SHARED: &str = "+ ";

/// Hexadecimal digits in [`Attachment::key`].
const KEY: usize = 32;

/// Who an element belongs to: [`Attachment::key`], which is exact, and `<network>/<container>/<ifname>` to be read,
/// cut where the comment ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    key: String,
    name: String,
}

impl Owner {
    /// The owner that an attachment's elements name.
    pub fn of(attachment: &Attachment) -> Self {
        let name = attachment.to_string().replace(|c: char| !c.is_ascii_graphic() || c == '"', "?");
        Self { key: attachment.key(), name }
    }

    /// Whose comment is not ours.
    pub(super) fn nobody() -> Self {
        Self { key: String::new(), name: String::new() }
    }

    /// [`Attachment::key`].
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Is this the attachment's container and interface, whatever the network?
    pub fn is(&self, attachment: &Attachment) -> bool {
        self.key == attachment.key()
    }

    /// Was this element made for the network of that name? Where the comment had no room for the whole name, its
    /// beginning decides.
    pub fn is_on(&self, network: &str) -> bool {
        match self.name.split_once('/') {
            Some((name, _)) => name == network,
            None => network.starts_with(&self.name),
        }
    }

    /// The attachment, where the comment had room for the whole of it.
    pub fn attachment(&self) -> Option<Attachment> {
        let mut parts = self.name.splitn(3, '/').map(str::to_owned);
        let attachment =
            Attachment { network: parts.next()?, container: parts.next()?, ifname: parts.next()? };
        self.is(&attachment).then_some(attachment)
    }

    /// The comment: the key, the MAC that a guarded link may use, and the name.
    pub(crate) fn comment(&self, mac: Option<Mac>) -> String {
        let mac = mac.map(|mac| format!("{mac} ")).unwrap_or_default();
        let mut comment = format!("{} {mac}{}", self.key, self.name);
        comment.truncate(COMMENT_LIMIT); // ASCII only
        comment
    }

    /// The comment of what the owner's container asks for by another interface, too.
    pub(super) fn comment_of_shared(&self) -> String {
        let mut comment = format!("{} {SHARED}{}", self.key, self.name);
        comment.truncate(COMMENT_LIMIT); // ASCII only
        comment
    }

    /// Is it the comment of what a container asks for by several interfaces?
    pub(super) fn is_of_shared(comment: &str) -> bool {
        comment.split_once(' ').is_some_and(|(_, rest)| rest.starts_with(SHARED))
    }

    /// Reads a comment back. None of ours is without a key.
    pub(crate) fn parse(comment: &str) -> Option<(Self, Option<Mac>)> {
        let (key, rest) = comment.split_once(' ')?;
        if key.len() != KEY || !key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let (mac, name) = match rest.split_once(' ').map(|(mac, name)| (mac.parse(), name)) {
            Some((Ok(mac), name)) => (Some(mac), name),
            _ => (None, rest.strip_prefix(SHARED).unwrap_or(rest)),
        };
        Some((Self { key: key.to_owned(), name: name.to_owned() }, mac))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attachment(network: &str) -> Attachment {
        Attachment { network: network.into(), container: "c".repeat(64), ifname: "eth0".into() }
    }

    #[test]
    fn a_comment_names_the_whole_attachment() {
        for mac in [None, Some(Mac::local([1, 2, 3, 4, 5]))] {
            let comment = Owner::of(&attachment("net")).comment(mac);
            let (owner, found) = Owner::parse(&comment).unwrap();
            assert_eq!((owner.attachment(), found), (Some(attachment("net")), mac));
            assert!(owner.is_on("net") && !owner.is_on("ne") && !owner.is_on("nets"));
        }
    }

    #[test]
    fn a_comment_says_that_others_ask_for_the_same() {
        let alone = Owner::of(&attachment("net"));
        let comment = alone.comment_of_shared();
        assert_eq!(Owner::parse(&comment), Some((alone.clone(), None)));
        assert!(Owner::is_of_shared(&comment) && !Owner::is_of_shared(&alone.comment(None)));
    }

    #[test]
    fn a_comment_that_was_cut_still_knows_its_owner() {
        for length in [40, 100, 200] {
            let network = "n".repeat(length);
            let comment = Owner::of(&attachment(&network)).comment(None);
            let (owner, _) = Owner::parse(&comment).unwrap();
            assert_eq!((comment.len(), owner.attachment()), (COMMENT_LIMIT, None));
            assert!(owner.is(&attachment(&network)) && owner.is_on(&network) && !owner.is_on("other"));
        }
    }

    #[test]
    fn what_nft_could_not_read_back_is_left_out() {
        let odd = Attachment { ifname: "e\"th\u{e9}".into(), ..attachment("net") };
        let comment = Owner::of(&odd).comment(None);
        assert!(comment.ends_with("/e?th?"), "{comment}");
        let (owner, _) = Owner::parse(&comment).unwrap();
        assert!(owner.is(&odd) && owner.attachment().is_none());
    }

    #[test]
    fn a_foreign_comment_has_no_owner() {
        for comment in ["", "by hand", "0123 net/c/eth0", &format!("{} net/c/eth0", "g".repeat(32))] {
            assert_eq!(Owner::parse(comment), None, "{comment}");
        }
    }
}
