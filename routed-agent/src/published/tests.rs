use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;

/// A directory of the test's own, which goes with it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("trestle-published-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_file_is_made_with_the_directories_above_it() {
    let place = Place::new("made");
    let path = place.0.join("net.d/10-trestle.conflist");
    assert_eq!(write_if_different(&path, "text").unwrap(), Outcome::Written);
    assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o644);
}

#[test]
fn a_file_that_says_the_same_is_left_alone() {
    let place = Place::new("same");
    let path = place.0.join("subnet.env");
    write_if_different(&path, "text").unwrap();
    let before = fs::metadata(&path).unwrap();
    assert_eq!(write_if_different(&path, "text").unwrap(), Outcome::Same);
    assert_eq!(fs::metadata(&path).unwrap().ino(), before.ino());
}

#[test]
fn whatever_was_done_to_a_file_is_put_right() {
    let place = Place::new("spoilt");
    let path = place.0.join("subnet.env");
    let elsewhere = place.0.join("elsewhere");
    let spoil: &[(&str, &dyn Fn())] = &[
        ("removed", &|| fs::remove_file(&path).unwrap()),
        ("changed", &|| fs::write(&path, "tex!").unwrap()),
        ("emptied", &|| fs::write(&path, "").unwrap()),
        ("hidden", &|| fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap()),
        ("replaced by a link", &|| {
            fs::rename(&path, &elsewhere).unwrap();
            symlink(&elsewhere, &path).unwrap();
        }),
    ];
    write_if_different(&path, "text").unwrap();
    for (what, spoil) in spoil {
        spoil();
        assert_eq!(write_if_different(&path, "text").unwrap(), Outcome::Written, "{what}");
        assert_eq!(write_if_different(&path, "text").unwrap(), Outcome::Same, "{what}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "text", "{what}");
    }
    assert_eq!(place.names(), ["elsewhere", "subnet.env"]);
}

#[test]
fn a_reader_sees_the_old_text_or_the_new_one() {
    let place = Place::new("atomic");
    let path = place.0.join("subnet.env");
    write_if_different(&path, "old").unwrap();
    let mut reader = fs::File::open(&path).unwrap();
    write_if_different(&path, "new").unwrap();
    assert_eq!(io::read_to_string(&mut reader).unwrap(), "old");
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
}

#[test]
fn the_draft_of_a_crash_is_in_nobodys_way() {
    let place = Place::new("crash");
    let path = place.0.join("subnet.env");
    fs::write(place.0.join(".subnet.env.new"), "a longer text, half writ").unwrap();
    fs::set_permissions(place.0.join(".subnet.env.new"), Permissions::from_mode(0o600)).unwrap();
    write_if_different(&path, "text").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    assert_eq!(place.names(), ["subnet.env"]);
    assert_eq!(write_if_different(&path, "text").unwrap(), Outcome::Same);
}

#[test]
fn a_failure_names_the_file_and_leaves_it_as_it_was() {
    let place = Place::new("failure");
    let path = place.0.join("taken");
    fs::create_dir(&path).unwrap();
    let error = write_if_different(&path, "text").unwrap_err();
    assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
    assert_eq!(place.names(), ["taken"]);
}

#[test]
fn a_file_is_removed_and_may_be_missing() {
    let place = Place::new("removed");
    let path = place.0.join("subnet.env");
    write_if_different(&path, "text").unwrap();
    remove(&path).unwrap();
    remove(&path).unwrap();
    assert!(place.names().is_empty());
}
