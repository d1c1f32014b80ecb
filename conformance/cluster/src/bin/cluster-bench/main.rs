//! A cluster with the reference plugins and flannel, and one with Trestle: how long until it is there, until a Pod runs, what that
//! costs, and what is lost while an agent is replaced.
//!
//!     cluster-bench FILE ROUNDS     prints a table and writes all figures to the file, as JSON
//!
//! Each measurement has a cluster of its own, of two nodes, and the contenders take turns in a changing order.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

mod contender;
mod figures;
mod measure;
mod watch;

use std::process::ExitCode;
use std::thread;

use crate::contender::{CONTENDERS, Contender};
use crate::figures::Figures;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, rounds] = arguments.as_slice() else {
        eprintln!("cluster-bench FILE ROUNDS");
        return ExitCode::from(2);
    };
    let Ok(rounds) = rounds.parse::<usize>() else {
        eprintln!("cluster-bench: {rounds:?} is no number of rounds");
        return ExitCode::from(2);
    };
    let mut all = CONTENDERS.each_ref().map(|_| Figures::default());
    for round in 0..rounds {
        for turn in 0..CONTENDERS.len() {
            let index = (round + turn) % CONTENDERS.len();
            eprintln!("round {} of {rounds}: {}", round + 1, CONTENDERS[index].name);
            all[index].take(on_a_cluster_of_its_own(&CONTENDERS[index]));
        }
    }
    print!("{}", figures::table(&CONTENDERS.each_ref().map(|one| one.name), &all));
    let written = std::fs::write(file, figures::json(&CONTENDERS.each_ref().map(|one| one.name), &all));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cluster-bench: {file}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A node is its thread's, and what it started ends with it.
fn on_a_cluster_of_its_own(contender: &'static Contender) -> Figures {
    let measured = thread::spawn(|| measure::all(contender)).join();
    measured.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
