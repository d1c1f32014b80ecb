//! Proof of life against the real kernel: namespaces that live, that end, and that the caller may not see.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use host::boot::BootId;
use host::cookie::NetworkIdentity;
use host::life::{HostEnd, Life, Peer, Proof, ProofError, Sighting, Witness};
use host::nsfs::NamespaceHandle;
use host::nsid::NamespaceId;
use netstate::LinkName;
use sandbox::{Node, PATIENCE, Place, Pod, eventually};

/// A record's file, as whoever attaches a container keeps it.
fn record() -> (PathBuf, File) {
    let path = PathBuf::from("/run/record");
    let file = File::create(&path).unwrap();
    (path, file)
}

fn life(proof: &Proof) -> Life {
    let (path, _) = record();
    Witness::default().life(proof, &File::open(path).unwrap())
}

fn name(text: &str) -> LinkName {
    text.parse().unwrap()
}

/// The same proof as a kernel without handles of namespaces allows (before 6.18).
fn older(proof: Proof) -> Proof {
    Proof { namespace: None, ..proof }
}

/// A proof as it is taken on such a kernel of a container that nothing else tells of.
fn by_id(pod: &Pod) -> Proof {
    let peer = Peer {
        host: NetworkIdentity::current().unwrap(),
        id: NamespaceId::give(Path::new(pod.path())).unwrap(),
    };
    Proof { peer: Some(peer), ..Proof::of(None, None).unwrap() }
}

#[test]
fn a_container_lives_until_its_network_namespace_is_gone() {
    let node = Node::enter();
    let pod = node.pod("pod");
    let proofs = [Proof::of(Some(Path::new(pod.path())), None).unwrap(), by_id(&pod)];
    let all = |wanted: Life| proofs.iter().all(|proof| life(proof) == wanted);
    assert!(all(Life::Alive));
    let mut inside = pod.within(|| std::process::Command::new("sleep").arg("600").spawn().unwrap());
    pod.remove();
    assert!(all(Life::Alive), "a process is still in it");
    inside.kill().unwrap();
    inside.wait().unwrap();
    assert!(eventually(PATIENCE, || all(Life::Dead)));
}

#[test]
fn a_namespace_that_took_the_path_of_another_does_not_stand_for_it() {
    let node = Node::enter();
    let first = node.pod("pod");
    let proofs = [Proof::of(Some(Path::new(first.path())), None).unwrap(), by_id(&first)];
    first.remove();
    let second = node.pod("pod");
    assert!(eventually(PATIENCE, || proofs.iter().all(|proof| life(proof) == Life::Dead)));
    assert_eq!(life(&Proof::of(Some(Path::new(second.path())), None).unwrap()), Life::Alive);
    assert_eq!(life(&by_id(&second)), Life::Alive);
}

#[test]
fn a_path_that_is_missing_or_no_namespace_proves_nothing() {
    let node = Node::enter();
    node.write("/run/file", "");
    for path in ["/run/netns/missing", "/run/file", "/proc/self/status", ""] {
        let proof = Proof::of(Some(Path::new(path)), None).unwrap();
        assert_eq!((&proof.namespace, &proof.peer, life(&proof)), (&None, &None, Life::Unknown), "{path:?}");
    }
    assert_eq!(life(&Proof::of(None, None).unwrap()), Life::Unknown);
}

#[test]
fn every_container_of_another_boot_is_gone() {
    let node = Node::enter();
    let pod = node.pod("pod");
    let mut proof = Proof::of(Some(Path::new(pod.path())), None).unwrap();
    proof.boot = "01234567-89ab-cdef-0123-456789abcdef".parse().unwrap();
    assert_eq!(life(&proof), Life::Dead);
}

#[test]
fn a_proof_by_handle_taken_in_another_user_namespace_never_says_that_a_container_is_gone() {
    let node = Node::enter();
    let pod = node.pod("pod");
    let mut proof = Proof::of(Some(Path::new(pod.path())), None).unwrap();
    pod.remove();
    assert!(eventually(PATIENCE, || life(&proof) == Life::Dead));
    let other: NamespaceHandle = "00112233445566778899aabbccddeeff".parse().unwrap();
    proof.namespace = proof.namespace.map(|seen| Sighting { user: other, ..seen });
    let told = if proof.namespace.is_some() { Life::Unknown } else { Life::Dead };
    assert_eq!(life(&proof), told);
}

#[test]
fn every_container_that_nothing_else_tells_of_is_known_by_handle_or_id() {
    let node = Node::enter();
    let pod = node.pod("pod");
    let path = Some(Path::new(pod.path()));
    let alone = Proof::of(path, None).unwrap();
    assert!(alone.namespace.is_some() != alone.peer.is_some(), "{alone:?}");
    // An ID shows in what others see of the container, so it is given only to those who need it.
    assert_eq!(Proof::of(path, Some(&name("veth0"))).unwrap().peer, None);
}

#[test]
fn an_id_that_somebody_gave_before_serves_as_well() {
    let node = Node::enter();
    let pod = node.pod("pod");
    node.exec(&["ip", "netns", "set", "pod", "17"]);
    let proof = by_id(&pod);
    assert_eq!(proof.peer.as_ref().unwrap().id.to_string(), "17");
    assert_eq!(life(&proof), Life::Alive);
    pod.remove();
    assert!(eventually(PATIENCE, || life(&proof) == Life::Dead));
}

#[test]
fn an_id_that_was_drawn_is_the_same_however_often_it_is_asked_for() {
    let node = Node::enter();
    let pods = [node.pod("one"), node.pod("two")];
    let ids = || pods.each_ref().map(|pod| NamespaceId::give(Path::new(pod.path())).unwrap());
    let [one, two] = ids();
    assert_eq!(ids(), [one, two]);
    assert_ne!(one, two);
}

#[test]
fn ids_of_another_network_namespace_prove_nothing() {
    let node = Node::enter();
    let proof = by_id(&node.pod("pod"));
    let elsewhere = node.pod("elsewhere");
    assert_eq!(elsewhere.within(|| life(&proof)), Life::Unknown);
}

#[test]
fn without_handles_a_container_lives_as_long_as_its_host_end() {
    let node = Node::enter();
    let pod = node.pod("pod");
    node.exec(&["ip", "link", "add", "veth0", "type", "veth", "peer", "name", "eth0", "netns", "pod"]);
    let proof = older(Proof::of(Some(Path::new(pod.path())), Some(&name("veth0"))).unwrap());
    assert_eq!(life(&proof), Life::Alive);
    pod.remove();
    assert!(eventually(PATIENCE, || life(&proof) == Life::Dead));
}

#[test]
fn a_host_end_that_is_not_made_yet_proves_nothing_while_its_record_is_locked() {
    let _node = Node::enter();
    let proof = older(Proof::of(None, Some(&name("veth0"))).unwrap());
    let (path, held) = record();
    held.lock().unwrap();
    let witness = Witness::default();
    let look = || witness.life(&proof, &File::open(&path).unwrap());
    assert_eq!(look(), Life::Alive);
    // Closing it would not do: a child that another test forks holds the lock too, until it executes its program.
    held.unlock().unwrap();
    assert_eq!(look(), Life::Dead);
    let lockable = OpenOptions::new().write(true).open(&path).unwrap();
    lockable.try_lock().expect("a look leaves no lock behind");
}

#[test]
fn links_of_another_network_namespace_prove_nothing() {
    let node = Node::enter();
    let proof = older(Proof::of(None, Some(&name("veth0"))).unwrap());
    let elsewhere = node.pod("elsewhere");
    assert_eq!(elsewhere.within(|| life(&proof)), Life::Unknown);
    assert_eq!(life(&proof), Life::Dead);
    let mut by_inode = proof;
    let inode = NetworkIdentity::Inode { device: 4, inode: 4_026_531_840 };
    by_inode.link = by_inode.link.map(|end| HostEnd { host: inode, ..end });
    assert_eq!(life(&by_inode), Life::Unknown);
}

#[test]
fn a_namespace_that_lives_outweighs_a_missing_host_end() {
    let node = Node::enter();
    let pod = node.pod("pod");
    let proof = Proof::of(Some(Path::new(pod.path())), Some(&name("veth0"))).unwrap();
    let without = if proof.namespace.is_some() { Life::Alive } else { Life::Dead };
    assert_eq!(life(&proof), without);
}

#[test]
fn a_proof_is_read_as_it_was_written() {
    let _node = Node::enter();
    let handle: NamespaceHandle = "00112233445566778899aabbccddeeff".parse().unwrap();
    let mut whole = Proof::of(None, Some(&name("veth0"))).unwrap();
    whole.namespace = Some(Sighting { network: handle.clone(), user: handle });
    let mut by_inode = whole.clone();
    let inode = NetworkIdentity::Inode { device: 4, inode: 4_026_531_840 };
    by_inode.link = by_inode.link.map(|end| HostEnd { host: inode, ..end });
    let alone = Proof::of(None, None).unwrap();
    let peers = [("0", NetworkIdentity::Cookie(7)), ("2147483647", inode)].map(|(id, host)| {
        let peer = Some(Peer { host, id: id.parse().unwrap() });
        Proof { peer, ..alone.clone() }
    });
    for proof in [alone, older(whole.clone()), whole, by_inode].into_iter().chain(peers) {
        assert_eq!(proof.to_string().parse(), Ok(proof));
    }
}

#[test]
fn a_text_that_is_no_proof_is_refused() {
    let boot = format!("boot {}\n", BootId::current().unwrap());
    for (text, error) in [
        ("", ProofError::Missing("boot")),
        ("boot", ProofError::Line("boot".to_owned())),
        ("boot yesterday\n", ProofError::Line("boot yesterday".to_owned())),
        (&format!("{boot}namespace 00ff\n"), ProofError::Line("namespace 00ff".to_owned())),
        (&format!("{boot}host cookie x\n"), ProofError::Line("host cookie x".to_owned())),
        (&format!("{boot}peer 7\n"), ProofError::Line("peer 7".to_owned())),
        (&format!("{boot}peer -1 cookie 7\n"), ProofError::Line("peer -1 cookie 7".to_owned())),
        (&format!("{boot}link a/b\n"), ProofError::Line("link a/b".to_owned())),
        (&format!("{boot}colour green\n"), ProofError::Line("colour green".to_owned())),
    ] {
        assert_eq!(text.parse::<Proof>(), Err(error));
    }
}

#[test]
fn a_draft_appears_whole_and_takes_nobodys_place() {
    let node = Node::enter();
    let directory = node.directory();
    let times = fs::FileTimes::new();
    let draft = host::draft::Draft::new(directory.path(), b"whole", times).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    let taken = directory.path().join("taken");
    fs::write(&taken, "another's").unwrap();
    assert_eq!(draft.publish(&taken).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    draft.publish(&directory.path().join("free")).unwrap();
    assert_eq!(fs::read_to_string(taken).unwrap(), "another's");
    assert_eq!(fs::read_to_string(directory.path().join("free")).unwrap(), "whole");
}
