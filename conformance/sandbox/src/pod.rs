//! A pod's network namespace.

use std::path::Path;

use netns_rs::NetNs;

use crate::Place;

/// A named network namespace, removed with the value.
#[derive(Debug)]
pub struct Pod {
    name: String,
    namespace: Option<NetNs>,
    path: String,
}

impl Pod {
    pub(crate) fn new(name: &str) -> Self {
        match NetNs::new(name) {
            Ok(namespace) => {
                Self { name: name.to_owned(), namespace: Some(namespace), path: format!("/run/netns/{name}") }
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
        // A test that removed the file itself has what it wanted.
        let _ = self.namespace.take().map(NetNs::remove);
        let _ = std::fs::remove_file(Path::new(&self.path));
    }
}
