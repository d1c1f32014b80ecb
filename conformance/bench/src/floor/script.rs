//! What the floor is told to do, made ready before it starts: steps, each a tag, a length and its bytes.

/// In a message, where the file descriptor of the container's namespace goes.
pub(super) const NAMESPACE: u32 = 0x6e61_6d65;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// Opens the container's namespace: the path. Messages name it by its file descriptor.
    Open,
    /// Enters it. Sockets that were opened stay where they are; the next message opens one here.
    Enter,
    /// Sends a message to rtnetlink and waits for its answer.
    Route,
    /// The same to nftables.
    Filter,
    /// Makes a file: [`file`].
    Make,
    /// Writes over what is in a file: [`file`].
    Write,
    /// Removes the file of this path.
    Remove,
    /// Sets when a file or directory was changed last: [`file`] without content.
    Date,
    /// Says this to the runtime.
    Answer,
}

/// Every tag, at its place.
const TAGS: [Tag; 9] = [
    Tag::Open,
    Tag::Enter,
    Tag::Route,
    Tag::Filter,
    Tag::Make,
    Tag::Write,
    Tag::Remove,
    Tag::Date,
    Tag::Answer,
];

/// Steps in their order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Script(Vec<u8>);

impl Script {
    /// Appends a step.
    ///
    /// # Panics
    /// Where it is longer than 4 GiB.
    pub(super) fn then(mut self, tag: Tag, bytes: &[u8]) -> Self {
        let place = TAGS.iter().position(|known| *known == tag).unwrap_or_default();
        self.0.push(u8::try_from(place).expect("nine tags"));
        self.0.extend_from_slice(&u32::try_from(bytes.len()).expect("a short step").to_ne_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// As the floor gets it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The steps of a script, until its end or the first that can't be read.
pub(super) fn steps(mut script: &[u8]) -> impl Iterator<Item = (Tag, &[u8])> {
    std::iter::from_fn(move || {
        let (&place, rest) = script.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (bytes, rest) = rest.split_at_checked(u32::from_ne_bytes(*length) as usize)?;
        script = rest;
        Some((*TAGS.get(usize::from(place))?, bytes))
    })
}

/// A file: its permissions, its date (seconds, nanoseconds) where one is set, its path, its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct File<'a> {
    /// As `open(2)` has them.
    pub(super) mode: u32,
    /// Seconds and nanoseconds; `None` for now.
    pub(super) date: Option<(i64, i64)>,
    /// Where it is.
    pub(super) path: &'a str,
    /// What it holds.
    pub(super) content: &'a str,
}

impl<'a> File<'a> {
    /// As a step's bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let (seconds, nanoseconds) = self.date.unwrap_or((0, 0));
        let mut bytes = self.mode.to_ne_bytes().to_vec();
        bytes.extend_from_slice(&seconds.to_ne_bytes());
        bytes.extend_from_slice(&nanoseconds.to_ne_bytes());
        bytes.extend_from_slice(self.path.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(self.content.as_bytes());
        bytes
    }

    /// From a step's bytes; none where they are another step's.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (mode, bytes) = bytes.split_first_chunk()?;
        let (seconds, bytes) = bytes.split_first_chunk()?;
        let (nanoseconds, bytes) = bytes.split_first_chunk()?;
        let (path, content) = std::str::from_utf8(bytes).ok()?.split_once('\0')?;
        let date = (i64::from_ne_bytes(*seconds), i64::from_ne_bytes(*nanoseconds));
        let date = (date != (0, 0)).then_some(date);
        Some(Self { mode: u32::from_ne_bytes(*mode), date, path, content })
    }
}
