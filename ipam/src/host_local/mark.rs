//! Marks: modification times with random nanoseconds, by which we know again what we wrote ourselves.
//!
//! Whoever else changes or replaces a file or directory gives it a time of the kernel's, which differs. The seconds
//! are the clock's for whoever lists the directory; nothing is ever decided by what time it is.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::fs::{File, FileTimes, Metadata};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECOND: u64 = 1_000_000_000;

/// A modification time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    seconds: i64,
    nanoseconds: i64,
}

impl Mark {
    /// One that nothing bears yet. The nanoseconds are never 0: where a file system drops them, no mark is known
    /// again.
    pub(crate) fn random() -> Self {
        let random = RandomState::new().build_hasher().finish() % (SECOND - 1) + 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            seconds: i64::try_from(now.as_secs()).unwrap_or_default(),
            nanoseconds: i64::try_from(random).unwrap_or(1),
        }
    }

    /// The one that a file or directory bears.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { seconds: metadata.mtime(), nanoseconds: metadata.mtime_nsec() }
    }

    /// It as the times of a file to be written.
    pub(crate) fn times(self) -> FileTimes {
        let seconds = Duration::from_secs(self.seconds.try_into().unwrap_or_default());
        let nanoseconds = Duration::from_nanos(self.nanoseconds.try_into().unwrap_or_default());
        FileTimes::new().set_modified(UNIX_EPOCH + seconds + nanoseconds)
    }

    /// Puts it on a file or directory.
    pub(crate) fn put(self, file: &File) -> io::Result<()> {
        file.set_times(self.times())
    }

    /// The mark that goes with it on another directory: 34 years apart. The kernel, which gives two directories the
    /// same time when it changes both within a tick of its clock, never gives them these two.
    pub(crate) fn twin(self) -> Self {
        Self { seconds: self.seconds ^ (1 << 30), ..self }
    }

    /// Did a mark of ours survive the file system?
    pub(crate) fn is_precise(self) -> bool {
        self.nanoseconds != 0
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.seconds, self.nanoseconds)
    }
}

/// A text that is no [`Mark`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("mark {0:?}: not SECONDS.NANOSECONDS")]
pub(crate) struct MarkError(String);

impl FromStr for Mark {
    type Err = MarkError;

    fn from_str(text: &str) -> Result<Self, MarkError> {
        let numbers = text.split_once('.').and_then(|(seconds, nanoseconds)| {
            Some(Self { seconds: seconds.parse().ok()?, nanoseconds: nanoseconds.parse().ok()? })
        });
        numbers.ok_or_else(|| MarkError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_known_again_from_its_text_and_from_a_file() {
        let mark = Mark::random();
        assert_eq!(mark.to_string().parse(), Ok(mark));
        let path = std::env::temp_dir().join(format!("a mark of {}", std::process::id()));
        let file = File::create(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        mark.put(&file).unwrap();
        assert_eq!(Mark::of(&file.metadata().unwrap()), mark);
    }

    #[test]
    fn no_two_marks_are_the_same() {
        let (one, other) = (Mark::random(), Mark::random());
        assert!(one != other && one.is_precise() && other.is_precise());
    }

    #[test]
    fn twins_are_of_each_other_and_never_the_same() {
        let mark = Mark::random();
        assert_eq!(mark.twin().twin(), mark);
        assert_ne!(mark.twin(), mark);
    }

    #[test]
    fn half_a_mark_is_none() {
        for text in ["", "17", "17.", ".5", "17.x"] {
            assert!(text.parse::<Mark>().is_err(), "{text:?}");
        }
    }
}
