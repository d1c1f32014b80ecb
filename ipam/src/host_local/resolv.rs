//! `resolv.conf(5)`, as much of it as a result can carry.

use cni::Dns;

/// Reads the text of a `resolv.conf`. Unknown keywords and comments are passed over.
pub(crate) fn parse(text: &str) -> Dns {
    let (mut nameservers, mut search, mut options, mut domain) = (Vec::new(), Vec::new(), Vec::new(), None);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        let mut fields = line.split_whitespace().map(str::to_owned);
        let (keyword, value) = (fields.next(), fields.next());
        let (Some(keyword), Some(value)) = (keyword, value) else { continue };
        match keyword.as_str() {
            "nameserver" => nameservers.push(value),
            "domain" => domain = Some(value),
            "search" => search.extend(std::iter::once(value).chain(fields)),
            "options" => options.extend(std::iter::once(value).chain(fields)),
            _ => {}
        }
    }
    let list = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
    Dns { nameservers: list(nameservers), domain, search: list(search), options: list(options) }
}
