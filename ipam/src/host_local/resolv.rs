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

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_simple_file_names_its_server() {
        assert_eq!(
            parse("\nnameserver 192.0.2.0\nnameserver 192.0.2.1\n"),
            Dns { nameservers: Some(list(&["192.0.2.0", "192.0.2.1"])), ..Dns::default() }
        );
    }

    #[test]
    fn comments_and_half_lines_say_nothing() {
        assert_eq!(
            parse("\n nameserver 192.0.2.0\n;nameserver 192.0.2.1\n# nameserver 192.0.2.2\nnameserver\n"),
            Dns { nameservers: Some(list(&["192.0.2.0"])), ..Dns::default() }
        );
    }

    #[test]
    fn lists_grow_and_of_domains_the_last_counts() {
        let text = "nameserver 192.0.2.0\nnameserver 192.0.2.2\ndomain example.com\n;comment\ndomain example.net\n\
                    search example.com example.net\nsearch example.org\noptions one two three\noptions four\nsortlist x\n";
        assert_eq!(
            parse(text),
            Dns {
                nameservers: Some(list(&["192.0.2.0", "192.0.2.2"])),
                domain: Some("example.net".to_owned()),
                search: Some(list(&["example.com", "example.net", "example.org"])),
                options: Some(list(&["one", "two", "three", "four"])),
            }
        );
    }
}
