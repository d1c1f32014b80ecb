//! A mount table of the node's own: `mount_namespaces(7)`.

use std::fs;
use std::io;
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// What a node has for itself. Mount points that the machine lacks are made in a layer over their parent.
const OWN: [&str; 3] = ["/var/lib/cni", "/etc/cni", "/opt/cni"];

/// Carries the machine's mounts over the mount of a new sysfs.
const ASIDE: &str = "/run/.aside";

const NONE: Option<&str> = None;

/// Makes the calling thread's (new) mount namespace private, with empty directories of its own.
pub(crate) fn privatise() {
    must("stop mounts from spreading", mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE));
    tmpfs("/run");
    sysfs();
    for path in OWN {
        if !Path::new(path).is_dir() {
            layer_over_parent(Path::new(path));
        }
        tmpfs(path);
    }
    for path in ["/run/netns", "/run/lock", "/etc/cni/net.d", "/opt/cni/bin"] {
        must(path, fs::create_dir(path));
    }
}

fn tmpfs(path: &str) {
    must(path, mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::MS_NODEV, Some("mode=755")));
}

/// A sysfs belongs to the network namespace that it was mounted in. The control groups are mounted on it.
/// Where the kernel refuses (a container whose own sysfs is masked), the old one stays: it is right in all but `/sys/class/net`.
fn sysfs() {
    let groups = "/sys/fs/cgroup";
    must(ASIDE, fs::create_dir(ASIDE));
    let saved = mount(Some(groups), ASIDE, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE).is_ok();
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let fresh = mount(Some("sysfs"), "/sys", Some("sysfs"), flags, NONE)
        .or_else(|_| mount(Some("sysfs"), "/sys", Some("sysfs"), flags | MsFlags::MS_RDONLY, NONE))
        .is_ok();
    if saved && fresh {
        must(groups, mount(Some(ASIDE), groups, NONE, MsFlags::MS_MOVE, NONE));
    } else if saved {
        must(ASIDE, umount2(ASIDE, MntFlags::MNT_DETACH));
    }
    must(ASIDE, fs::remove_dir(ASIDE));
}

/// Makes `path`, which the machine lacks, in an overlay over its parent: the machine's directory isn't touched.
fn layer_over_parent(path: &Path) {
    let parent = path.parent().expect("a path of ours has a parent");
    must(ASIDE, fs::create_dir(ASIDE));
    tmpfs(ASIDE);
    for directory in ["upper", "work"] {
        must(ASIDE, fs::create_dir(format!("{ASIDE}/{directory}")));
    }
    let layers = format!("lowerdir={},upperdir={ASIDE}/upper,workdir={ASIDE}/work", parent.display());
    let mut options = [layers.clone(), format!("{layers},userxattr")].into_iter();
    let mounted = options.any(|options| {
        mount(Some("overlay"), parent, Some("overlay"), MsFlags::empty(), Some(options.as_str())).is_ok()
    });
    assert!(mounted, "{} is missing and can't be laid over {}", path.display(), parent.display());
    must(ASIDE, umount2(ASIDE, MntFlags::MNT_DETACH));
    must(ASIDE, fs::remove_dir(ASIDE));
    must("a mount point", fs::create_dir(path));
}

fn must<T, E: Into<io::Error>>(what: &str, done: Result<T, E>) -> T {
    match done {
        Ok(value) => value,
        Err(error) => panic!("the node's own mounts: {what}: {}", error.into()),
    }
}
