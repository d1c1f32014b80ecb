//! A call of a plugin, as a runtime makes it: CNI spec, section 2.

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::{Output, Pod};

/// A call to be made. The whole environment is inherited, but for what begins with `CNI_`: that is the call's own.
#[derive(Debug, Clone)]
pub struct Call {
    words: Vec<PathBuf>,
    environment: Vec<(String, String)>,
    stdin: Vec<u8>,
}

impl Call {
    /// A call of the plugin at this path. `CNI_PATH` is its directory until [`Call::path`] says otherwise.
    #[must_use]
    pub fn new(plugin: impl AsRef<Path>) -> Self {
        let plugin = plugin.as_ref();
        let directory = plugin.parent().unwrap_or(Path::new("."));
        let call = Self { words: vec![plugin.to_owned()], environment: Vec::new(), stdin: Vec::new() };
        call.path(directory)
    }

    /// `CNI_COMMAND`: ADD, DEL, CHECK, STATUS, GC, VERSION.
    #[must_use]
    pub fn command(self, command: &str) -> Self {
        self.env("CNI_COMMAND", command)
    }

    /// `CNI_CONTAINERID`.
    #[must_use]
    pub fn container(self, id: &str) -> Self {
        self.env("CNI_CONTAINERID", id)
    }

    /// `CNI_NETNS`: the pod's path.
    #[must_use]
    pub fn netns(self, pod: &Pod) -> Self {
        self.env("CNI_NETNS", pod.path())
    }

    /// `CNI_IFNAME`.
    #[must_use]
    pub fn ifname(self, name: &str) -> Self {
        self.env("CNI_IFNAME", name)
    }

    /// `CNI_ARGS`: `KEY=value;…`.
    #[must_use]
    pub fn args(self, args: &str) -> Self {
        self.env("CNI_ARGS", args)
    }

    /// `CNI_PATH`.
    #[must_use]
    pub fn path(self, directories: impl AsRef<Path>) -> Self {
        self.env("CNI_PATH", &directories.as_ref().to_string_lossy())
    }

    /// Any variable, an empty one too. A later value replaces an earlier one.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self = self.without(key);
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The variable isn't set at all.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.environment.retain(|(known, _)| known != key);
        self
    }

    /// Standard input: a JSON value, or any text to try the plugin with.
    #[must_use]
    pub fn conf(self, conf: impl Display) -> Self {
        self.stdin(conf.to_string().as_bytes())
    }

    /// Standard input: any bytes.
    #[must_use]
    pub fn stdin(mut self, bytes: &[u8]) -> Self {
        self.stdin = bytes.to_vec();
        self
    }

    /// Words before the plugin's path: `strace -f -o …`, `setpriv …`.
    #[must_use]
    pub fn through(mut self, words: &[&str]) -> Self {
        self.words.splice(0..0, words.iter().map(PathBuf::from));
        self
    }

    /// Makes the call and waits for its end.
    ///
    /// # Panics
    /// Where the plugin can't be started.
    #[must_use]
    pub fn run(&self) -> Reply {
        self.spawn().wait()
    }

    /// Starts the call: for several at once, and to be killed on the way.
    ///
    /// # Panics
    /// Where the plugin can't be started.
    #[must_use]
    pub fn spawn(&self) -> Running {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("CNI_")) {
            command.env_remove(key);
        }
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{} can't be started: {error}", self.words[0].display()),
        };
        // A plugin may end without reading its input; that is its answer, not our failure. A configuration fits the pipe.
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(&self.stdin);
        }
        Running(child)
    }
}

/// A call on its way.
#[derive(Debug)]
pub struct Running(pub(crate) Child);

impl Running {
    /// The plugin's process ID.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// SIGKILL. [`Running::wait`] tells what came of it.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
    }

    /// Waits for the plugin's end.
    ///
    /// # Panics
    /// Where the kernel doesn't let us.
    #[must_use]
    pub fn wait(self) -> Reply {
        match self.0.wait_with_output() {
            Ok(output) => Reply(output.into()),
            Err(error) => panic!("waiting for a plugin: {error}"),
        }
    }
}

/// What a plugin answered.
#[derive(Debug, Clone)]
pub struct Reply(pub(crate) Output);

impl std::ops::Deref for Reply {
    type Target = Output;

    fn deref(&self) -> &Output {
        &self.0
    }
}

impl Reply {
    /// Standard output as the one JSON value that it must be.
    ///
    /// # Panics
    /// Where it isn't, with both outputs.
    #[must_use]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("no JSON on standard output: {error}\n{self:?}"),
        }
    }

    /// The result of a call that must succeed; null where it printed nothing, as DEL does.
    ///
    /// # Panics
    /// Where it failed, with both outputs.
    #[must_use]
    pub fn result(&self) -> Value {
        assert!(self.code == 0, "the plugin failed\n{self:?}");
        if self.stdout.is_empty() { Value::Null } else { self.json() }
    }

    /// Asserts success where the result doesn't matter.
    ///
    /// # Panics
    /// Where it failed, with both outputs.
    pub fn succeeded(&self) {
        let _ = self.result();
    }

    /// The error object of a call that must fail.
    ///
    /// # Panics
    /// Where it succeeded, or printed no error object.
    #[must_use]
    pub fn error(&self) -> Value {
        assert!(self.code != 0, "the plugin succeeded\n{self:?}");
        let error = self.json();
        assert!(error["code"].is_u64(), "no error object\n{self:?}");
        error
    }
}
