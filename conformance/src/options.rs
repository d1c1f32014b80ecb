//! The command line.

use std::path::PathBuf;

/// How the report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For a person at a terminal.
    Table,
    /// One object, for programs.
    Json,
    /// For a build server.
    Junit,
    /// A page for a browser.
    Html,
}

/// How many of a large group's steps are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// A hundred by a fixed seed.
    Sample,
    /// Each.
    Exhaustive,
}

/// Who is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The plugins of the directory.
    Plugins,
    /// The judge: each case on a plugin that is broken for it.
    Judge,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// The directory.
    pub(crate) plugins: PathBuf,
    /// These plugins alone; all where it is empty.
    pub(crate) only: Vec<String>,
    /// Cases whose name or source holds this alone.
    pub(crate) case: Option<String>,
    pub(crate) format: Format,
    pub(crate) extent: Extent,
    pub(crate) subject: Subject,
}

/// The command line is not understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionsError {
    /// No such option.
    #[error("unknown option {0:?}\n{USAGE}")]
    Unknown(String),
    /// An option without its value.
    #[error("{0} wants a value\n{USAGE}")]
    Bare(String),
    /// No such format.
    #[error("--format {0:?}: table, json, junit or html")]
    Format(String),
    /// Nothing to judge.
    #[error("--plugins is missing\n{USAGE}")]
    NoPlugins,
}

const USAGE: &str = "conformance --plugins DIR [--only PLUGIN]… [--case TEXT] [--format table|json|junit|html] [--exhaustive] [--broken]
  --only PLUGIN   judges this one alone; may be repeated
  --case TEXT     asks only cases whose name or source holds TEXT
  --exhaustive    kills at every system call, not at a hundred of each verb
  --broken        judges the judge: each case must fail on a plugin that is broken for it
exit code: 0 all passes, 1 a case fails, 2 could not run, 3 passes with skips";

impl Options {
    /// Reads the words after the program's name.
    pub(crate) fn parse(words: &[String]) -> Result<Self, OptionsError> {
        let mut plugins = None;
        let mut options = Self {
            plugins: PathBuf::new(),
            only: Vec::new(),
            case: None,
            format: Format::Table,
            extent: Extent::Sample,
            subject: Subject::Plugins,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().cloned().ok_or_else(|| OptionsError::Bare(word.clone()));
            match word.as_str() {
                "--plugins" => plugins = Some(PathBuf::from(value()?)),
                "--only" => options.only.push(value()?),
                "--case" => options.case = Some(value()?),
                "--format" => options.format = Format::parse(&value()?)?,
                "--exhaustive" => options.extent = Extent::Exhaustive,
                "--broken" => options.subject = Subject::Judge,
                _ => return Err(OptionsError::Unknown(word.clone())),
            }
        }
        options.plugins = plugins.ok_or(OptionsError::NoPlugins)?;
        Ok(options)
    }
}

impl Format {
    fn parse(word: &str) -> Result<Self, OptionsError> {
        match word {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "junit" => Ok(Self::Junit),
            "html" => Ok(Self::Html),
            _ => Err(OptionsError::Format(word.to_owned())),
        }
    }
}
