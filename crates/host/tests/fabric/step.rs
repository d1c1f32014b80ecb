//! What comes and goes while nobody touches the kernel is changed without a look.

use host::fabric::{Action, Kind, Shape};
use netstate::Fabric;
use sandbox::Place;

use crate::scene::{Families, Scene, direct, tunnelled};

const MAKERS: [fn(Families, &[u8]) -> Fabric; 2] = [direct, tunnelled];

/// A node that holds paths to nodes 2 and 3, confirmed.
fn settled(from: &Fabric, shape: Shape) -> Scene {
    let mut scene = Scene::enter();
    scene.heal(from, shape);
    scene
}

#[test]
fn one_node_comes_and_another_goes_and_a_look_finds_only_old_next_hops() {
    for make in MAKERS {
        for shape in [Shape::NextHops, Shape::Plain] {
            let (from, to) = (make(Families::Dual, &[2, 3]), make(Families::Dual, &[3, 4]));
            let mut scene = settled(&from, shape);
            let step = scene.host.step(&from, &to).unwrap().expect("a step");
            assert!(!step.changes.is_empty() && step.failures.is_empty(), "{step}");
            let rest = scene.heal(&to, shape);
            let old =
                rest.changes.iter().all(|left| (left.action, left.kind()) == (Action::Remove, Kind::NextHop));
            assert!(old, "{shape:?}: {step}then\n{rest}");
            assert_eq!(rest.changes.len(), if shape == Shape::NextHops { 2 } else { 0 }, "{rest}");
        }
    }
}

#[test]
fn where_nothing_differs_a_step_changes_nothing_and_the_next_one_is_possible() {
    let fabric = tunnelled(Families::Dual, &[2, 3]);
    let mut scene = settled(&fabric, Shape::NextHops);
    for _ in 0..2 {
        assert!(scene.host.step(&fabric, &fabric).unwrap().expect("a step").is_clean());
    }
}

#[test]
fn after_a_change_a_look_comes_first() {
    let (from, to) = (direct(Families::V4, &[2]), direct(Families::V4, &[2, 3]));
    let mut scene = Scene::enter();
    assert!(scene.host.step(&from, &to).unwrap().is_none(), "before any look");
    scene.reconcile(&from);
    assert!(scene.host.step(&from, &to).unwrap().is_none(), "before what was changed is confirmed");
    scene.reconcile(&from);
    assert!(scene.host.step(&from, &to).unwrap().is_some());
    assert!(scene.host.step(&to, &from).unwrap().is_none(), "before the step is confirmed");
}

#[test]
fn what_takes_another_way_or_shares_one_needs_a_look() {
    for make in MAKERS {
        let from = make(Families::Dual, &[2, 3]);
        let mut scene = settled(&from, Shape::NextHops);
        let mut moved = from.clone();
        moved.paths[0].via = moved.paths[1].via;
        let mut shared = make(Families::Dual, &[2, 3, 4]);
        shared.paths[2].via = shared.paths[1].via;
        for to in [moved, shared] {
            assert!(scene.host.step(&from, &to).unwrap().is_none(), "{to:?}");
        }
        assert!(scene.reconcile(&from).is_clean(), "a step that is none changes nothing");
    }
}

#[test]
fn what_the_kernel_refuses_needs_a_look_and_is_whole_after_it() {
    let (from, to) = (direct(Families::V4, &[2, 3]), direct(Families::V4, &[3, 4]));
    let mut scene = settled(&from, Shape::NextHops);
    scene.node.sh("ip route del 10.244.2.0/24");
    assert!(scene.host.step(&from, &to).unwrap().is_none());
    scene.heal(&to, Shape::NextHops);
}
