//! A pod's network namespace.

use std::path::Path;

use netns_rs::NetNs;

use crate::Place;

/// Whose a namespace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    Test,
    Runtime,
}

/// A named network namespace, removed with the value if the test made it.
#[derive(Debug)]
pub struct Pod {
    name: String,
    maker: Maker,
    namespace: Option<NetNs>,
    path: String,
}

impl Pod {
    pub(crate) fn new(name: &str) -> Self {
        Self::with(name, Maker::Test, NetNs::new(name))
    }

    /// One that a runtime has made, by the name of its file in the calling thread's `/run/netns`.
    pub(crate) fn of_runtime(name: &str) -> Self {
        Self::with(name, Maker::Runtime, NetNs::get(name))
    }

    fn with(name: &str, maker: Maker, namespace: netns_rs::Result<NetNs>) -> Self {
        match namespace {
            Ok(namespace) => {
                let path = format!("/run/netns/{name}");
                Self { name: name.to_owned(), maker, namespace: Some(namespace), path }
            }
            Err(error) => panic!("no network namespace {name}: {error}"),
        }
    }

    /// Its name, which tests use as the container ID too.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a runtime puts into `CNI_NETNS`. The file is gone after [`Pod::remove`].
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The names of its links, sorted.
    ///
    /// # Panics
    /// Where `ip` can't say.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        let json = self.exec(&["ip", "-j", "link"]).stdout;
        let links: Vec<serde_json::Value> = serde_json::from_str(&json).expect("ip -j prints a list");
        let mut names: Vec<_> =
            links.iter().filter_map(|link| link["ifname"].as_str().map(str::to_owned)).collect();
        names.sort();
        names
    }

    /// Takes the namespace away, as a runtime does before a late DEL. What other processes hold open lives on.
    ///
    /// # Panics
    /// Where the kernel refuses.
    pub fn remove(mut self) {
        if let Some(Err(error)) = self.namespace.take().map(NetNs::remove) {
            panic!("network namespace {} stays: {error}", self.name);
        }
    }

    fn namespace(&self) -> &NetNs {
        self.namespace.as_ref().expect("only `remove` and `drop` take it, and nothing comes after them")
    }
}

impl Place for Pod {
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        match self.namespace().run(|_| work()) {
            Ok(done) => done,
            Err(error) => panic!("can't enter network namespace {}: {error}", self.name),
        }
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        if self.maker == Maker::Runtime {
            return;
        }
        // A test that removed the file itself has what it wanted.
        let _ = self.namespace.take().map(NetNs::remove);
        let _ = std::fs::remove_file(Path::new(&self.path));
    }
}
