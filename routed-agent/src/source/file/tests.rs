use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;

/// flannel's.
const PREFIX: &str = "flannel.alpha.coreos.com/";

/// How long news may take: long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A directory of the test's own, a source that reads a file in it, and what it tells.
struct Stage {
    directory: PathBuf,
    news: Option<mpsc::Receiver<News>>,
}

impl Stage {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("trestle-nodes-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        Self { directory: directory.canonicalize().unwrap(), news: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Begins to read a file.
    fn reads(mut self, name: &str) -> Self {
        let (sender, news) = mpsc::channel(8);
        tokio::spawn(run(self.path(name), PREFIX.to_owned(), sender));
        self.news = Some(news);
        self
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Replaces a file as it should be done.
    fn replace(&self, name: &str, text: &str) {
        self.write("draft", text);
        fs::rename(self.path("draft"), self.path(name)).unwrap();
    }

    async fn next(&mut self) -> News {
        let news = self.news.as_mut().expect("the source was started");
        timeout(PATIENCE, news.recv()).await.expect("news in time").expect("the source goes on")
    }

    /// The names in the next news, which are a complete list. A writer that makes a file and then fills it may be
    /// caught at it: what that looks like is passed over.
    async fn names(&mut self) -> Vec<String> {
        loop {
            match self.next().await {
                News::All(nodes) => return nodes.into_iter().map(|node| node.name).collect(),
                News::Lost(reason) if reason.ends_with("it is empty") || reason.contains("No such file") => {}
                other => panic!("expected every Node, got {other:?}"),
            }
        }
    }

    async fn lost(&mut self) -> String {
        match self.next().await {
            News::Lost(reason) => reason.replace(self.directory.to_str().unwrap(), "DIR"),
            other => panic!("expected a loss, got {other:?}"),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn text(names: &[&str]) -> String {
    let line = |name: &&str| format!("- {{name: {name}, podCIDRs: [], addresses: []}}\n");
    format!("nodes:\n{}", names.iter().map(line).collect::<String>())
}

#[tokio::test]
async fn every_change_of_the_file_is_told() {
    let stage = Stage::new("changes");
    stage.write("nodes.yaml", &text(&["a"]));
    let mut stage = stage.reads("nodes.yaml");
    assert_eq!(stage.names().await, ["a"]);
    stage.replace("nodes.yaml", &text(&["a", "b"]));
    assert_eq!(stage.names().await, ["a", "b"]);
    stage.write("nodes.yaml", &text(&["c"]));
    assert_eq!(stage.names().await, ["c"]);
    // A hard link makes a file appear whole.
    fs::remove_file(stage.path("nodes.yaml")).unwrap();
    stage.write("other", &text(&["d"]));
    fs::hard_link(stage.path("other"), stage.path("nodes.yaml")).unwrap();
    assert_eq!(stage.names().await, ["d"]);
}

#[tokio::test]
async fn a_file_that_comes_late_is_found_with_the_directories_above_it() {
    let mut stage = Stage::new("late").reads("etc/trestle/nodes.yaml");
    assert_eq!(
        stage.lost().await,
        "nodes file DIR/etc/trestle/nodes.yaml: No such file or directory (os error 2)"
    );
    fs::create_dir_all(stage.path("etc/trestle")).unwrap();
    stage.write("etc/trestle/nodes.yaml", &text(&["a"]));
    assert_eq!(stage.names().await, ["a"]);
}

#[tokio::test]
async fn the_directory_may_be_replaced() {
    let stage = Stage::new("directory");
    fs::create_dir(stage.path("etc")).unwrap();
    stage.write("etc/nodes.yaml", &text(&["a"]));
    let mut stage = stage.reads("etc/nodes.yaml");
    assert_eq!(stage.names().await, ["a"]);
    fs::create_dir(stage.path("new")).unwrap();
    stage.write("new/nodes.yaml", &text(&["b"]));
    fs::rename(stage.path("etc"), stage.path("old")).unwrap();
    fs::rename(stage.path("new"), stage.path("etc")).unwrap();
    assert_eq!(stage.names().await, ["b"]);
    stage.replace("etc/nodes.yaml", &text(&["c"]));
    assert_eq!(stage.names().await, ["c"]);
}

#[tokio::test]
async fn a_config_map_is_followed_through_its_links() {
    let stage = Stage::new("configmap");
    let version = |name: &str, names: &[&str]| {
        fs::create_dir(stage.path(name)).unwrap();
        stage.write(&format!("{name}/nodes.yaml"), &text(names));
    };
    version("..1", &["a"]);
    version("..2", &["b"]);
    version("..3", &["c"]);
    symlink("..1", stage.path("..data")).unwrap();
    symlink("..data/nodes.yaml", stage.path("nodes.yaml")).unwrap();
    let mut stage = stage.reads("nodes.yaml");
    assert_eq!(stage.names().await, ["a"]);
    for (version, before, names) in [("..2", "..1", ["b"]), ("..3", "..2", ["c"])] {
        symlink(version, stage.path("..data_tmp")).unwrap();
        fs::rename(stage.path("..data_tmp"), stage.path("..data")).unwrap();
        fs::remove_dir_all(stage.path(before)).unwrap();
        assert_eq!(stage.names().await, names);
    }
}

#[tokio::test]
async fn a_link_to_another_directory_is_followed() {
    let stage = Stage::new("link");
    fs::create_dir(stage.path("etc")).unwrap();
    fs::create_dir(stage.path("srv")).unwrap();
    stage.write("srv/nodes.yaml", &text(&["a"]));
    symlink(stage.path("srv/nodes.yaml"), stage.path("etc/nodes.yaml")).unwrap();
    let mut stage = stage.reads("etc/nodes.yaml");
    assert_eq!(stage.names().await, ["a"]);
    stage.replace("srv/nodes.yaml", &text(&["b"]));
    assert_eq!(stage.names().await, ["b"]);
}

#[tokio::test]
async fn whatever_is_no_complete_list_is_told_once_and_so_is_its_end() {
    let stage = Stage::new("lost");
    stage.write("nodes.yaml", &text(&["a"]));
    let mut stage = stage.reads("nodes.yaml");
    assert_eq!(stage.names().await, ["a"]);
    for (contents, reason) in [
        ("", "nodes file DIR/nodes.yaml: it is empty"),
        ("nodes: []\n", "nodes file DIR/nodes.yaml: it names no Node"),
        ("{\"nodes\": [", "nodes file DIR/nodes.yaml: EOF while parsing a list at line 1 column 11"),
    ] {
        stage.replace("nodes.yaml", contents);
        assert_eq!(stage.lost().await, reason);
        // The same once more is no news.
        stage.replace("nodes.yaml", contents);
    }
    fs::remove_file(stage.path("nodes.yaml")).unwrap();
    assert_eq!(stage.lost().await, "nodes file DIR/nodes.yaml: No such file or directory (os error 2)");
    fs::create_dir(stage.path("nodes.yaml")).unwrap();
    assert_eq!(stage.lost().await, "nodes file DIR/nodes.yaml: not a regular file");
    fs::remove_dir(stage.path("nodes.yaml")).unwrap();
    assert_eq!(stage.lost().await, "nodes file DIR/nodes.yaml: No such file or directory (os error 2)");
    stage.replace("nodes.yaml", &text(&["a"]));
    assert_eq!(stage.next().await, News::Back);
    stage.replace("nodes.yaml", &text(&["b"]));
    assert_eq!(stage.names().await, ["b"]);
}

#[tokio::test]
async fn a_file_counts_when_its_writer_closes_it() {
    let stage = Stage::new("writer");
    stage.write("nodes.yaml", &text(&["a"]));
    let mut stage = stage.reads("nodes.yaml");
    assert_eq!(stage.names().await, ["a"]);
    let mut file = fs::OpenOptions::new().append(true).open(stage.path("nodes.yaml")).unwrap();
    for name in ["b", "c"] {
        writeln!(file, "- {{name: {name}, podCIDRs: [], addresses: []}}").unwrap();
        // Another file's change comes behind, and is no reason to look.
        stage.write("other", name);
    }
    drop(file);
    assert_eq!(stage.names().await, ["a", "b", "c"]);
}

#[tokio::test]
async fn the_source_ends_when_nobody_listens() {
    let stage = Stage::new("ends");
    let (sender, mut news) = mpsc::channel(1);
    let task = tokio::spawn(run(stage.path("nodes.yaml"), PREFIX.to_owned(), sender));
    news.recv().await.unwrap();
    drop(news);
    timeout(PATIENCE, task).await.expect("it ends").unwrap();
}
