//! flanneld on this node: what it left goes once ours stands in its place; one that works still is an agent too many.

use std::time::{Duration, Instant};

use host::fabric::Shape;
use host::flanneld;
use netstate::Fabric;

use super::Pass;
use crate::agent::ground::Ground;
use crate::status::Status;

/// flanneld puts its rules right every five seconds, and a quiet agent looks once a minute. What is there again in this
/// time, flanneld has made again.
const AGAIN: Duration = Duration::from_secs(180);

/// What was not there again in this time, nobody makes again.
const QUIET: Duration = Duration::from_secs(20);

/// What is known of a flanneld on this node.
#[derive(Default)]
pub(super) struct Predecessor {
    /// It has this node, and nothing of ours was made yet.
    has_node: bool,
    /// When something of it was removed last.
    removed: Option<Instant>,
    /// Why it is thought to work still.
    works: Option<String>,
    /// What only an operator can remove.
    left: Vec<String>,
}

/// A flanneld that works.
fn working() -> Option<String> {
    let process = flanneld::working()?;
    Some(format!("flanneld (process {process}) works on this node too: one of the two has to be ended"))
}

impl Pass {
    /// Before anything is touched: is this node another agent's?
    pub(super) fn is_flannelds(&mut self, status: &mut Status) -> bool {
        let works = if self.wanted.is_none() && self.shape == Shape::default() { working() } else { None };
        self.predecessor.has_node = works.is_some();
        status.problems.extend(works);
        self.predecessor.has_node
    }

    /// Is what the Node says flanneld's word? Its pods have a network, though it is not ours.
    pub(super) fn flanneld_speaks(&self) -> bool {
        self.predecessor.has_node
    }

    /// Takes away what flanneld left. Ours stands already: at no moment is there a packet that nobody masquerades.
    pub(super) fn succeed_flanneld(&mut self, fabric: &Fabric, status: &mut Status) {
        if self.shape != Shape::default() || !status.problems.is_empty() {
            return;
        }
        if self.ground != Ground::Confirmed {
            self.look_for_flanneld(fabric, status);
        }
        status.warnings.extend(self.predecessor.left.iter().cloned());
        status.problems.extend(self.predecessor.works.iter().cloned());
    }

    fn look_for_flanneld(&mut self, fabric: &Fabric, status: &mut Status) {
        let mut removed = Vec::new();
        match self.host.remove_flannelds_rules() {
            Ok(found) => {
                removed.extend(found.removed);
                self.predecessor.left = found.left.iter().map(ToString::to_string).collect();
            }
            Err(error) => status.warnings.push(error.to_string()),
        }
        match self.files.set_aside() {
            Ok(paths) => removed.extend(paths.iter().map(|path| format!("conflist, now {}", path.display()))),
            Err(error) => status.warnings.push(error.to_string()),
        }
        let before = self.predecessor.removed;
        let since = before.map_or(Duration::MAX, |removed| removed.elapsed());
        if removed.is_empty() {
            if since > QUIET {
                self.predecessor.works = None;
            }
        } else {
            self.predecessor.removed = Some(Instant::now());
            let again = || {
                let what = removed.join(", ");
                format!(
                    "flanneld works on this node too: {what}: it was made again; one of the two has to be ended"
                )
            };
            self.predecessor.works = working().or_else(|| (since < AGAIN).then(again));
            tracing::info!(what = removed.join(", "), "flanneld left this; it is gone");
        }
        // Somebody who works needs them.
        if self.predecessor.works.is_none() {
            match self.host.remove_flannelds_tunnels(fabric) {
                Ok(devices) if devices.is_empty() => {}
                Ok(devices) => {
                    tracing::info!(what = devices.join(", "), "flanneld left this; it is gone");
                }
                Err(error) => status.warnings.push(error.to_string()),
            }
        }
    }
}
