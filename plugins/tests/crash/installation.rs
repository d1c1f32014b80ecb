//! `cni install` killed on its way.

use std::fs;

use sandbox::{Call, End, Node, Victims, kill_after, plugins_dir};

use crate::names::NAMES;
use crate::programs::{Other, binary};
use crate::trials::Trials;

#[test]
fn an_installation_may_be_killed_and_every_name_is_old_or_new() {
    let (ours, other) = (plugins_dir(&binary(), &["cni"]), Other::build());
    let [new, old] = [&ours.join("cni"), &other.path].map(|path| fs::read(path).expect("a build"));
    // Each name is put there by the same steps: so every one of them is met at some name.
    Trials::every(3, |trials| {
        let node = Node::enter();
        trials.one(|calls| {
            // Every other time nothing was installed before.
            let before = if calls % 2 == 0 { &NAMES[..] } else { &[] };
            let bin = node.install(&other.path, before);
            let program = ours.join("cni");
            let install = Call::new(&bin).through(&[&program.to_string_lossy(), "install"]);
            let end = kill_after(&install, calls, Victims::All);
            let names: Vec<_> = NAMES.iter().map(|name| bin.join(name)).collect();
            for path in &names {
                match fs::read(path) {
                    Ok(bytes) => {
                        assert!(bytes == new || bytes == old, "{} is broken after {end:?}", path.display());
                    }
                    Err(error) => assert!(before.is_empty(), "{}: {error} after {end:?}", path.display()),
                }
            }
            assert_eq!(install.run().code, 0, "after {end:?}");
            assert!(names.iter().all(|path| fs::read(path).is_ok_and(|bytes| bytes == new)), "after {end:?}");
            let files = fs::read_dir(&bin).expect("a directory").count();
            assert_eq!(files, NAMES.len(), "pieces stay after {end:?}");
            Ok(matches!(end, End::Itself(_)))
        });
    });
}
