//! Who holds an address, as upstream's files say it: `<container>\r\n<interface>`, without a newline at the end.

use std::fmt;

/// The attachment that an address is reserved for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Owner {
    pub(crate) container: String,
    /// Absent from files of plugins before 0.7.
    pub(crate) ifname: Option<String>,
}

const SEPARATOR: &str = "\r\n";

impl Owner {
    pub(crate) fn new(container: &str, ifname: &str) -> Self {
        Self { container: container.trim().to_owned(), ifname: Some(ifname.to_owned()) }
    }

    /// The same container as an old file names it.
    pub(crate) fn bare(&self) -> Self {
        Self { container: self.container.clone(), ifname: None }
    }

    /// Reads a file's text; white space around it means nothing. `None` where there is nothing else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (container, ifname) = match text.split_once(SEPARATOR) {
            Some((container, ifname)) => (container, Some(ifname.to_owned())),
            None => (text, None),
        };
        (!text.is_empty()).then(|| Self { container: container.to_owned(), ifname })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.container)?;
        self.ifname.iter().try_for_each(|ifname| write!(f, "{SEPARATOR}{ifname}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_text_is_the_references_and_white_space_around_it_means_nothing() {
        let owner = Owner::new(" dummy ", "eth0");
        assert_eq!(owner.to_string(), "dummy\r\neth0");
        for text in ["dummy\r\neth0", "  dummy\r\neth0\n", "\tdummy\r\neth0\r\n\n"] {
            assert_eq!(Owner::parse(text), Some(owner.clone()), "{text:?}");
        }
    }

    #[test]
    fn an_old_file_names_its_container_only() {
        assert_eq!(Owner::parse("dummy\n"), Some(Owner::new("dummy", "eth0").bare()));
        assert_eq!(Owner::parse(" \r\n"), None);
    }
}
