//! Words of a record's lines: a value that holds blanks is written so that it holds none.

/// What `%` and two hexadecimal digits stand for.
const ESCAPED: &[(char, &str)] = &[('%', "%25"), (' ', "%20"), ('\t', "%09"), ('\n', "%0a"), ('\r', "%0d")];

/// The text as one word; of an empty text, `%`.
pub(crate) fn escape(text: &str) -> String {
    if text.is_empty() {
        return "%".to_owned();
    }
    let mut word = String::with_capacity(text.len());
    for c in text.chars() {
        match ESCAPED.iter().find(|(plain, _)| *plain == c) {
            Some((_, escaped)) => word.push_str(escaped),
            None => word.push(c),
        }
    }
    word
}

/// The text of a word.
pub(crate) fn unescape(word: &str) -> String {
    if word == "%" {
        return String::new();
    }
    // `%` comes last: what it gives must not be taken for the beginning of another.
    ESCAPED
        .iter()
        .rev()
        .fold(word.to_owned(), |text, (plain, escaped)| text.replace(escaped, plain.encode_utf8(&mut [0; 4])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_one_word_and_comes_back() {
        for text in ["", "%", "%20", "%2520", "4096\t131072 6291456", "a\nb", "net/ipv4/conf/eth0/arp_filter"]
        {
            let word = escape(text);
            assert!(!word.is_empty() && !word.contains([' ', '\t', '\n']), "{word:?}");
            assert_eq!(unescape(&word), text);
        }
    }
}
