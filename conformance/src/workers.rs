//! Work on nodes, on as many at once as there are processors.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does the work for each item, on a thread of its own, for a node is its thread's; `done` gets what came of it, or the panic.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    done: impl Fn(&T, thread::Result<R>) + Sync,
) {
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    done(item, thread::scope(|scope| scope.spawn(|| work(item)).join()));
                }
            });
        }
    });
}
