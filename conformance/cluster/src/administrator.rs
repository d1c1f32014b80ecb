//! Somebody with kubectl and helm, in a checkout of Trestle.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sandbox::{Output, Place, cached};

use crate::{Cluster, flannels_manifest};

/// Where the administrator works: in the control plane's own `/run`.
const HERE: &str = "/run/administrator";

/// Commands of a page, run as they stand there.
#[derive(Debug)]
pub struct Administrator<'cluster, 'node> {
    cluster: &'cluster Cluster<'node>,
    /// What makes a shell the administrator's.
    profile: String,
}

impl<'cluster, 'node> Administrator<'cluster, 'node> {
    /// Somebody who may do everything, with `deploy` and flannel's manifest at hand.
    ///
    /// # Panics
    /// Where the programs are absent.
    #[must_use]
    pub fn of(cluster: &'cluster Cluster<'node>) -> Self {
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
        let folder = |program: &str| -> PathBuf {
            cached(program).parent().map(Path::to_owned).expect("a file is in a folder")
        };
        let kubeconfig = cluster.control().within(|| {
            fs::create_dir_all(HERE).expect("the machine's own /run");
            symlink(&deploy, Path::new(HERE).join("deploy")).expect("it is empty");
            fs::copy(flannels_manifest(), Path::new(HERE).join("kube-flannel.yml")).expect("it is there");
            cluster.api().kubeconfig()
        });
        let profile = format!(
            "cd {HERE}; export HOME={HERE} KUBECONFIG={} PATH={}:{}:$PATH",
            kubeconfig.display(),
            folder("kubernetes/kubectl").display(),
            folder("helm").display()
        );
        Self { cluster, profile }
    }

    /// Runs commands, of which each must succeed. `$NODE` in them is the Node of this name.
    ///
    /// # Panics
    /// Where one fails, with what it said.
    pub fn run(&self, commands: &str, node: &str) -> Output {
        let script = format!("{}; export NODE={node}\n{commands}", self.profile);
        let output = self.cluster.control().try_exec(&["sh", "-ec", &script]);
        assert!(output.code == 0, "{commands}\n{output:?}\n{}", self.cluster.state());
        output
    }
}

/// The commands of a page's section, block by block: lines that are indented by four spaces.
#[must_use]
pub fn commands(page: &str, heading: &str) -> Vec<String> {
    let section = page.split_once(heading).map_or("", |(_, section)| section);
    let section = section.split("\n#").next().unwrap_or_default();
    let mut blocks = vec![String::new()];
    for line in section.lines() {
        match (line.strip_prefix("    "), blocks.last_mut()) {
            (Some(command), Some(block)) => block.extend([command, "\n"]),
            (None, Some(block)) if !block.is_empty() => blocks.push(String::new()),
            _ => {}
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}
