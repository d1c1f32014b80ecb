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
    /// Cases alone whose name or source holds one of these; all where it is empty.
    pub(crate) case: Vec<String>,
    /// Groups that are left out.
    pub(crate) without: Vec<String>,
    pub(crate) format: Format,
    pub(crate) extent: Extent,
    pub(crate) subject: Subject,
    /// Writes the directory's answers to this file, and judges nothing.
    pub(crate) record: Option<PathBuf>,
    /// Compares its answers with those that this file has.
    pub(crate) answers: Option<PathBuf>,
    /// The reasons for what differs.
    pub(crate) reasons: Option<PathBuf>,
    /// What the report calls the directory.
    name: Option<String>,
    /// Reports in JSON, to be made a page; nothing is judged.
    pub(crate) page: Vec<PathBuf>,
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

const USAGE: &str = "conformance --plugins DIR [--only PLUGIN]… [--case TEXT]… [--without GROUP]… [--format table|json|junit|html] [--exhaustive] [--broken]
            [--answers FILE [--reasons FILE]] [--name TEXT] | --record FILE
            conformance --page REPORT [--page REPORT]…
  --only PLUGIN   judges this one alone; may be repeated
  --case TEXT     asks only cases whose name or source holds TEXT; may be repeated
  --without GROUP leaves a group of cases out; may be repeated
  --exhaustive    kills at every system call, not at a hundred of each verb
  --broken        judges the judge: each case must fail on a plugin that is broken for it
  --record FILE   writes down what the plugins answer to a list of questions, and judges nothing
  --answers FILE  compares what they answer with what was written down; --reasons FILE says why something differs
  --name TEXT     what the report calls the directory
  --page REPORT   makes one page of reports in JSON; may be repeated
exit code: 0 all passes, 1 a case fails, 2 could not run, 3 passes with skips";

impl Options {
    /// Reads the words after the program's name.
    pub(crate) fn parse(words: &[String]) -> Result<Self, OptionsError> {
        let mut plugins = None;
        let mut options = Self {
            plugins: PathBuf::new(),
            only: Vec::new(),
            case: Vec::new(),
            without: Vec::new(),
            format: Format::Table,
            extent: Extent::Sample,
            subject: Subject::Plugins,
            record: None,
            answers: None,
            reasons: None,
            name: None,
            page: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().cloned().ok_or_else(|| OptionsError::Bare(word.clone()));
            match word.as_str() {
                "--plugins" => plugins = Some(PathBuf::from(value()?)),
                "--only" => options.only.push(value()?),
                "--case" => options.case.push(value()?),
                "--without" => options.without.push(value()?),
                "--format" => options.format = Format::parse(&value()?)?,
                "--exhaustive" => options.extent = Extent::Exhaustive,
                "--record" => options.record = Some(value()?.into()),
                "--answers" => options.answers = Some(value()?.into()),
                "--reasons" => options.reasons = Some(value()?.into()),
                "--name" => options.name = Some(value()?),
                "--page" => options.page.push(value()?.into()),
                "--broken" => options.subject = Subject::Judge,
                _ => return Err(OptionsError::Unknown(word.clone())),
            }
        }
        if options.page.is_empty() {
            options.plugins = plugins.ok_or(OptionsError::NoPlugins)?;
        }
        Ok(options)
    }

    /// What the report calls the directory: its last part, unless `--name` says another.
    pub(crate) fn name(&self) -> String {
        let last = || self.plugins.file_name().map(|name| name.to_string_lossy().into_owned());
        self.name.clone().or_else(last).unwrap_or_else(|| self.plugins.display().to_string())
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
