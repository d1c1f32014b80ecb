//! What we know of one attachment beside upstream's files: its addresses, and the proof by which it may be declared
//! gone. As text: lines of `key value`.

use std::fmt;
use std::net::IpAddr;

use host::life::Proof;

use super::mark::Mark;

/// One attachment's record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// Absent where the reference made the reservation.
    pub(crate) evidence: Option<Evidence>,
    pub(crate) addresses: Vec<IpAddr>,
}

/// The proof, and the mark of the files that it speaks of: a later attachment of the same name may have been made by
/// the reference, and its files bear no mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) mark: Mark,
    pub(crate) proof: Proof,
}

impl Record {
    /// Reads a record. What a crash left half written says as much as it can; nothing is concluded from what is
    /// missing.
    pub(crate) fn parse(text: &str) -> Self {
        let (mut mark, mut proof, mut addresses) = (None, String::new(), Vec::new());
        for line in text.split_inclusive('\n') {
            match line.trim_end().split_once(' ') {
                Some(("address", address)) => addresses.extend(address.parse::<IpAddr>().ok()),
                Some(("mark", text)) => mark = text.parse().ok(),
                _ => proof.push_str(line),
            }
        }
        let whole = mark.zip(proof.parse().ok());
        Self { evidence: whole.map(|(mark, proof)| Evidence { mark, proof }), addresses }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Evidence { mark, proof }) = &self.evidence {
            write!(f, "mark {mark}\n{proof}")?;
        }
        self.addresses.iter().try_for_each(|address| writeln!(f, "address {address}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let evidence = Evidence { mark: Mark::random(), proof: Proof::of(None, None).unwrap() };
        let addresses = vec!["10.1.0.2".parse().unwrap(), "2001:db8::2".parse().unwrap()];
        for record in [
            Record { evidence: Some(evidence), addresses: addresses.clone() },
            Record { evidence: None, addresses },
            Record::default(),
        ] {
            assert_eq!(Record::parse(&record.to_string()), record);
        }
    }

    #[test]
    fn half_a_record_proves_nothing() {
        let evidence = Evidence { mark: Mark::random(), proof: Proof::of(None, None).unwrap() };
        let text = Record { evidence: Some(evidence), addresses: Vec::new() }.to_string();
        for length in 0..text.len() - 1 {
            assert_eq!(Record::parse(&text[..length]).evidence, None, "{:?}", &text[..length]);
        }
    }
}
