//! SIGKILL after every change of ADD and DEL, of interface plugins and of chained ones, and of `cni
//! install`: whatever is half made, DEL or GC takes away, and the next ADD of the same container succeeds.

mod chained;
mod installation;
#[path = "../upkeep/names.rs"]
mod names;
mod programs;
mod stage;
mod trials;
mod ways;

use sandbox::{Node, Pod, Victims};

use crate::programs::Programs;
use crate::stage::{Scene, Stage};
use crate::trials::Trials;

fn kill_everywhere(scene: Scene, programs: &Programs) {
    Trials::run(|trials| {
        let node = Node::enter();
        let others: Vec<Pod> = scene.others.iter().map(|name| node.pod(name)).collect();
        let mut stage = Stage::new(&node, programs, scene);
        let results = stage.set(&others);
        // The first ADD of a node is the first only once.
        while trials.one(|calls| stage.trial(calls)) && !others.is_empty() {}
        for (other, result) in others.iter().zip(&results) {
            stage.check(other, result);
        }
    });
}

const ALONE: &[&str] = &[];
const SECOND: &[&str] = &["neighbour"];

// P-041, P-042, P-046
#[test]
fn the_first_add_of_a_node_may_be_killed_after_every_change() {
    let scene = Scene { command: "ADD", victims: Victims::All, others: ALONE };
    kill_everywhere(scene, &Programs::in_process());
}

// P-041, P-042, P-046
#[test]
fn a_later_add_may_be_killed_after_every_change() {
    let scene = Scene { command: "ADD", victims: Victims::All, others: SECOND };
    kill_everywhere(scene, &Programs::in_process());
}

// P-042, P-046
#[test]
fn a_del_may_be_killed_after_every_change() {
    let scene = Scene { command: "DEL", victims: Victims::All, others: SECOND };
    kill_everywhere(scene, &Programs::in_process());
}

// P-041, P-042, P-046
#[test]
fn an_add_may_be_killed_together_with_its_delegate() {
    let scene = Scene { command: "ADD", victims: Victims::All, others: SECOND };
    kill_everywhere(scene, &Programs::executed());
}

// P-041, P-042, P-046
#[test]
fn an_add_may_be_killed_while_its_delegate_lives_on() {
    let scene = Scene { command: "ADD", victims: Victims::Plugin, others: SECOND };
    kill_everywhere(scene, &Programs::executed());
}

// P-042, P-046
#[test]
fn a_del_may_be_killed_together_with_its_delegate() {
    let scene = Scene { command: "DEL", victims: Victims::All, others: SECOND };
    kill_everywhere(scene, &Programs::executed());
}
