//! The files of a node that plugins and runtimes keep state in.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use crate::snapshot::{Entry, Kind};

const ROOTS: [&str; 3] = ["/var/lib/cni", "/run", "/etc/cni"];

/// The test's own directories ([`Node::directory`](crate::Node::directory)) are no state of the node.
const OF_THE_TEST: &str = "/run/sandbox-";

/// How much of a file a diff shows. All of it is compared.
const SHOWN: usize = 120;

pub(crate) fn read() -> Vec<Entry> {
    let mut entries = Vec::new();
    for root in ROOTS {
        walk(Path::new(root), &mut entries);
    }
    entries
}

/// What vanishes while it is read, a running plugin's temporary file for example, isn't there.
fn walk(directory: &Path, entries: &mut Vec<Entry>) {
    for found in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = found.path();
        if path.to_string_lossy().starts_with(OF_THE_TEST) {
            continue;
        }
        let Ok(kind) = found.file_type() else { continue };
        if kind.is_dir() {
            let text = path.display().to_string();
            entries.push(Entry { kind: Kind::Directory, device: None, text });
            walk(&path, entries);
        } else {
            let text = format!("{} {}", path.display(), content(&path, kind));
            entries.push(Entry { kind: Kind::File, device: None, text });
        }
    }
}

fn content(path: &Path, kind: fs::FileType) -> String {
    if kind.is_symlink() {
        return fs::read_link(path)
            .map_or_else(|_| "link".to_owned(), |target| format!("-> {}", target.display()));
    }
    // A socket or a pipe has no content, and reading it could wait for ever.
    if !kind.is_file() {
        return format!("{kind:?}");
    }
    // A namespace's file is a file to `readdir`, and can't be read.
    let Ok(bytes) = fs::read(path) else { return "unreadable".to_owned() };
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).escape_debug().to_string();
    format!("{:x} {shown:?}", hasher.finish())
}
