//! Trials, many at once, until one comes to its end by itself.

use std::any::Any;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use sandbox::stride;

/// Trials at once: each waits most of its time, for the kernel to bury a link.
const THREADS: usize = 6;

/// No plugin makes as many changes as this.
const ENDLESS: usize = 20_000;

/// So many failures tell enough.
const ENOUGH: usize = 20;

/// Trial after trial, until one comes to its end by itself.
pub(crate) struct Trials {
    next: AtomicUsize,
    /// How many calls later the next kill comes.
    step: usize,
    ended: AtomicBool,
    failures: Mutex<Vec<String>>,
}

impl Trials {
    /// Many `work` at once, each again and again in a new thread, so in a new node.
    pub(crate) fn run(work: impl Fn(&Self) + Sync) {
        Self::every(1, work);
    }

    /// The same after every so many calls: for what does one thing again and again.
    pub(crate) fn every(step: usize, work: impl Fn(&Self) + Sync) {
        let trials = Self {
            next: AtomicUsize::new(0),
            step: step * stride(),
            ended: AtomicBool::new(false),
            failures: Mutex::default(),
        };
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while !trials.ended.load(Ordering::Relaxed) {
                        if let Err(panic) = thread::scope(|scope| scope.spawn(|| work(&trials)).join()) {
                            trials.fail(said(&*panic).to_owned());
                        }
                    }
                });
            }
        });
        let mut failures = trials.failures.into_inner().expect("nobody panics with it");
        failures.sort();
        assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
    }

    /// The next trial. Says whether another one may follow on the same node: it ended neither by itself nor badly.
    pub(crate) fn one(&self, trial: impl Fn(usize) -> Result<bool, String>) -> bool {
        let calls = 1 + self.next.fetch_add(self.step, Ordering::Relaxed);
        assert!(calls < ENDLESS, "the call never ends by itself");
        let ended = trial(calls);
        match &ended {
            Ok(false) => {}
            Ok(true) => self.ended.store(true, Ordering::Relaxed),
            Err(text) => self.fail(format!("call {calls:4}: killed {text}")),
        }
        ended == Ok(false)
    }

    fn fail(&self, text: String) {
        let mut failures = self.failures.lock().expect("nobody panics with it");
        failures.push(text);
        if failures.len() >= ENOUGH {
            self.ended.store(true, Ordering::Relaxed);
        }
    }
}

/// What a panic said.
pub(crate) fn said(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref().copied()).unwrap_or("?")
}
