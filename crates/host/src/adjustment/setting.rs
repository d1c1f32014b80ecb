//! Kernel settings of the container (`tuning`). The container's end is their end.

use netstate::{Adjustment, Attachment, Setting, Sysctl};

use super::{Amiss, Kind, Site};
use crate::error::Error;
use crate::namespace::Namespace;
use crate::record::word::{escape, unescape};
use crate::sysctl;

/// The kind.
pub(super) struct Settings;

impl Kind for Settings {
    fn word(&self) -> &'static str {
        "setting"
    }

    /// `PATH VALUE [BEFORE]`.
    fn line(&self, adjustment: &Adjustment) -> Option<String> {
        let Adjustment::Setting(Setting { path, value, before }) = adjustment else { return None };
        let before = before.as_deref().map(|before| format!(" {}", escape(before))).unwrap_or_default();
        Some(format!("{} {}{before}", escape(path), escape(value)))
    }

    fn parse(&self, rest: &str, _: &Attachment) -> Option<Adjustment> {
        let mut words = rest.split(' ').map(unescape);
        let (path, value) = (words.next()?, words.next()?);
        Some(Adjustment::Setting(Setting { path, value, before: words.next() }))
    }

    fn apply(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<(), Error> {
        site.container()?.inside(|| settings(wanted).try_for_each(write))
    }

    fn compare(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<Vec<Amiss>, Error> {
        site.container()?.inside(|| {
            let mut amiss = Vec::new();
            for setting in settings(wanted) {
                let found = match sysctl::read(&setting.path) {
                    // It can only be written.
                    Err(_) => continue,
                    Ok(Some(value)) if same(&value, &setting.value) => continue,
                    Ok(Some(value)) => format!("is {value}"),
                    Ok(None) => "missing".to_owned(),
                };
                amiss.push((Adjustment::Setting(setting.clone()), found));
            }
            Ok(amiss)
        })
    }

    /// What was there before comes back, the last change first.
    fn remove(&self, site: &mut Site<'_>, _: &Attachment, made: &[Adjustment]) -> Result<(), Error> {
        let Some(container) = site.container else { return Ok(()) };
        container.inside(|| {
            let mut first = Ok(());
            for setting in settings(made).collect::<Vec<_>>().into_iter().rev() {
                if let Some(before) = &setting.before {
                    first = first.and(restore(setting, before));
                }
            }
            first
        })
    }
}

impl Namespace {
    /// The values of kernel settings of the namespace, by their paths below `/proc/sys`; none where there is no such setting,
    /// or none that can be read: some can only be written.
    ///
    /// # Errors
    /// Where the kernel lets nobody in.
    pub fn settings(&self, paths: &[String]) -> Result<Vec<Option<String>>, Error> {
        self.inside(|| Ok(paths.iter().map(|path| sysctl::read(path).ok().flatten()).collect()))
    }
}

fn settings<'a>(adjustments: &'a [Adjustment]) -> impl Iterator<Item = &'a Setting> {
    let of_kind = |adjustment: &'a Adjustment| {
        if let Adjustment::Setting(setting) = adjustment { Some(setting) } else { None }
    };
    adjustments.iter().filter_map(of_kind)
}

/// Read first, written only where the value differs.
fn write(setting: &Setting) -> Result<(), Error> {
    let Setting { path, value, .. } = setting;
    match sysctl::read(path) {
        Ok(Some(found)) if same(&found, value) => Ok(()),
        _ => sysctl::write(&Sysctl { path: path.clone(), value: value.clone(), optional: false })
            .map_err(|error| refusal(error, setting)),
    }
}

/// What is wrong with a setting, and not with the machine, its configuration has to answer for.
fn refusal(error: Error, setting: &Setting) -> Error {
    match error {
        Error::Io { source, .. }
            if [libc::ENOENT, libc::EINVAL, libc::ERANGE].map(Some).contains(&source.raw_os_error()) =>
        {
            Error::Setting { path: setting.path.clone(), value: setting.value.clone(), reason: source }
        }
        error => error,
    }
}

/// A setting that is gone went with its link.
fn restore(setting: &Setting, before: &str) -> Result<(), Error> {
    sysctl::ensure(&Sysctl { path: setting.path.clone(), value: before.to_owned(), optional: true })
}

/// The kernel separates several numbers by tabs, people by blanks.
fn same(found: &str, wanted: &str) -> bool {
    found.split_whitespace().eq(wanted.split_whitespace())
}
