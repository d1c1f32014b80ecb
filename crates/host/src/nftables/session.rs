//! Look, then change: a batch that the kernel carries out as a whole, and only if nothing changed since the look.

use netlink_packet_core::DefaultNla;
use netlink_packet_netfilter::none::ControlMessage;
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};
use netlink_sys::protocols::NETLINK_NETFILTER;

use super::answer::{self, Entry, Rule};
use super::element::Element;
use super::error::Error;
use super::inventory::{Member, SeenChain, SeenSet};
use super::message::{Change, Table, get_chains, get_generation, get_rules_of};
use super::wire::Message;
use crate::netlink::{self, Netlink, Refusal, Request};

/// `NFNL_SUBSYS_NFTABLES`: whose batch it is.
const SUBSYSTEM: u16 = 10;

/// `NFNL_MSG_BATCH_BEGIN`.
const BATCH_BEGIN: u8 = 16;

/// `NFNL_BATCH_GENID`.
const BATCH_GENERATION: u16 = 1;

/// Each lost turn is another's change done; so many in a row is no longer bad luck.
const TRIES: u32 = 1000;

/// So many questions in one send: their answers wait in the socket's buffer, which holds about 200 KiB.
const AT_ONCE: usize = 50;

/// A netfilter socket.
pub(super) struct Session {
    socket: Netlink<Message>,
}

impl Session {
    /// Opens a socket in the calling thread's network namespace.
    ///
    /// # Errors
    /// [`Error::Open`]; [`Error::Unsupported`] where the kernel has no netfilter at all.
    pub(super) fn open() -> Result<Self, Error> {
        Ok(Self { socket: Netlink::open(NETLINK_NETFILTER).map_err(Error::opening)? })
    }

    /// Looks, decides by what it saw what must change (`decide`), and changes that in one batch. Where anybody
    /// changed anything in between, the kernel refuses the batch with `ERESTART` before it does any work, and we
    /// look again. Nothing is sent where nothing must change.
    ///
    /// # Errors
    /// What looking or changing met, and [`Error::Restless`] after [`TRIES`].
    pub(super) fn change(
        &mut self,
        what: &str,
        mut decide: impl FnMut(&mut Self) -> Result<Vec<Change>, Error>,
    ) -> Result<(), Error> {
        for _ in 0..TRIES {
            let generation = self.generation()?;
            let changes = decide(self)?;
            if changes.is_empty() {
                return Ok(());
            }
            match self.commit(generation, changes) {
                Err(Error::Refused { source, .. }) if source.is(libc::ERESTART) => {}
                done => return done,
            }
        }
        Err(Error::Restless { what: what.to_owned(), tries: TRIES })
    }

    /// Looks, until nobody changed anything meanwhile.
    ///
    /// # Errors
    /// What looking met, and [`Error::Restless`] after [`TRIES`].
    pub(super) fn look<T>(
        &mut self,
        mut look: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        for _ in 0..TRIES {
            let generation = self.generation()?;
            let seen = look(self)?;
            if self.generation()? == generation {
                return Ok(seen);
            }
        }
        Err(Error::Restless { what: "look at packet rules".to_owned(), tries: TRIES })
    }

    /// The ruleset's generation.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the kernel does not know the question.
    pub(super) fn generation(&mut self) -> Result<u32, Error> {
        match self.socket.ask(get_generation().into()) {
            Ok(message) => Ok(answer::generation(&message).unwrap_or(0)),
            Err(refusal) => Err(Error::asked_generation(refusal)),
        }
    }

    /// Is there a table of that name?
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn has_table(&mut self, table: Table) -> Result<bool, Error> {
        self.has(format!("look for table {table}"), table.get())
    }

    /// Is there a chain of that name?
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn has_chain(&mut self, table: Table, chain: &str) -> Result<bool, Error> {
        self.has(format!("look for chain {table} {chain}"), table.get_chain(chain))
    }

    /// The rules of all chains, or of one: none where there is no such table.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn rules(&mut self, table: Table, chain: Option<&str>) -> Result<Vec<Rule>, Error> {
        let rules = present(self.socket.dump(&table.get_rules(chain).into()))
            .map_err(|refusal| Error::refused(format!("list rules of {table}"), refusal))?;
        Ok(rules.unwrap_or_default().iter().map(Rule::parse).collect())
    }

    /// The chains of all tables of all families.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn chains(&mut self) -> Result<Vec<SeenChain>, Error> {
        let chains = present(self.socket.dump(&get_chains().into()))
            .map_err(|refusal| Error::refused("list chains", refusal))?;
        Ok(chains.unwrap_or_default().iter().map(SeenChain::parse).collect())
    }

    /// The rules of a chain, whosever it is.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn rules_of(&mut self, chain: &SeenChain) -> Result<Vec<Rule>, Error> {
        let asked = get_rules_of(chain.family, &chain.table, &chain.name);
        let rules = present(self.socket.dump(&asked.into()))
            .map_err(|refusal| Error::refused(format!("list rules of {chain}"), refusal))?;
        Ok(rules.unwrap_or_default().iter().map(Rule::parse).collect())
    }

    /// The sets and maps of a table.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn sets(&mut self, table: Table) -> Result<Vec<SeenSet>, Error> {
        let sets = present(self.socket.dump(&table.get_sets().into()))
            .map_err(|refusal| Error::refused(format!("list sets of {table}"), refusal))?;
        Ok(sets.unwrap_or_default().iter().map(SeenSet::parse).collect())
    }

    /// The addresses in a set, and what was counted of each: none where there is no such set.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn members(&mut self, table: Table, set: &str) -> Result<Vec<Member>, Error> {
        let members = present(self.socket.dump(&table.get_elements(set).into()))
            .map_err(|refusal| Error::refused(format!("list elements of {table} {set}"), refusal))?;
        Ok(members.unwrap_or_default().iter().flat_map(Member::parse).collect())
    }

    /// The elements of a set: none where there is no such set.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn entries(&mut self, table: Table, set: &str) -> Result<Vec<Entry>, Error> {
        let entries = present(self.socket.dump(&table.get_elements(set).into()))
            .map_err(|refusal| Error::refused(format!("list elements of {table} {set}"), refusal))?;
        Ok(entries.unwrap_or_default().iter().flat_map(Entry::parse).collect())
    }

    /// What is there of these elements, in their order.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn find<'a>(
        &mut self,
        elements: impl IntoIterator<Item = &'a Element>,
    ) -> Result<Vec<Option<Entry>>, Error> {
        let asked = elements.into_iter().map(|element| {
            let (table, set) = element.set();
            table.get_element(set, &element.key())
        });
        self.find_each(asked)
    }

    /// What is there of the elements that these messages ask for, in their order.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn find_each(
        &mut self,
        asked: impl IntoIterator<Item = NetfilterMessage>,
    ) -> Result<Vec<Option<Entry>>, Error> {
        let what = "look for elements";
        let requests: Vec<_> = asked.into_iter().map(|asked| Request::new(asked.into(), 0)).collect();
        let mut found = Vec::with_capacity(requests.len());
        for some in requests.chunks(AT_ONCE) {
            let answers =
                self.socket.exchange(some.to_vec()).map_err(|source| Error::socket(what, source))?;
            for answer in answers {
                let messages = present(answer).map_err(|refusal| Error::refused(what, refusal))?;
                found.push(messages.unwrap_or_default().iter().flat_map(Entry::parse).next());
            }
        }
        Ok(found)
    }

    fn has(&mut self, what: String, message: NetfilterMessage) -> Result<bool, Error> {
        match present(self.socket.ask(message.into())) {
            Ok(found) => Ok(found.is_some()),
            Err(refusal) => Err(Error::refused(what, refusal)),
        }
    }

    fn commit(&mut self, generation: u32, changes: Vec<Change>) -> Result<(), Error> {
        let begin = ControlMessage::Other {
            message_type: BATCH_BEGIN,
            attributes: vec![DefaultNla::new(BATCH_GENERATION, generation.to_be_bytes().to_vec())],
        };
        let mut doing = vec!["change nf_tables' ruleset".to_owned()];
        let mut batch = vec![Request { message: control(begin).into(), flags: 0 }];
        for change in changes {
            doing.push(change.what);
            batch.push(Request { message: change.message.into(), flags: change.flags });
        }
        batch.push(Request { message: control(ControlMessage::BatchEnd).into(), flags: 0 });
        match self.socket.transact(batch) {
            Ok(Ok(())) => Ok(()),
            Ok(Err((index, refusal))) => {
                Err(Error::refused(doing.get(index).unwrap_or(&doing[0]).as_str(), refusal))
            }
            Err(source) => Err(Error::socket(doing.swap_remove(0), source)),
        }
    }
}

/// What is not there is nothing.
fn present<T>(answer: Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    netlink::present(answer, libc::ENOENT)
}

fn control(message: ControlMessage) -> NetfilterMessage {
    NetfilterMessage::new(NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, SUBSYSTEM), message)
}
