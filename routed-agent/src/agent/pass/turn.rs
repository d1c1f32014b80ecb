//! A change of backend, node after node, without a packet lost.
//!
//! While this node and another don't know the same of each other, the packets of one come through the tunnel and those of
//! the other don't. On the tunnel's own device, where only nodes are heard, that is always let in. On the link to the
//! other nodes a strict `rp_filter` would drop them, so it is loose until the turn is over.
//!
//! ```text
//! host-gw → vxlan   the tunnel is made and used; others are told, and come through it when they have heard
//! vxlan → host-gw   others are told first; until they have heard, the kernel stays as it is, and with it the tunnel
//! ```

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use host::fabric::Shape;
use netstate::LinkName;

use super::Pass;
use crate::cluster::Unannotated;
use crate::duties::Site;
use crate::net_conf::Backend;
use crate::status::Status;

/// So long after the API server has it every other agent has heard it.
const HEARD: Duration = Duration::from_secs(5);

/// How far the turn is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing was looked at yet.
    #[default]
    Unknown,
    /// The Node still says another backend.
    Tells,
    /// It says ours since then.
    Told(Instant),
    /// Others know.
    Over,
}

impl Pass {
    /// Goes on with the turn. Must the kernel stay as it is for now?
    pub(super) fn turn(&mut self, site: &Site, status: &mut Status) -> bool {
        if self.shape != Shape::default() {
            return false;
        }
        let ours = self.decisions.backend.name();
        let own = self.nodes.get(&self.terms.own);
        let said = own.and_then(|own| own.annotations.get("backend-type"));
        // A nodes file says what its author wrote: nobody changes it, and nobody is told.
        let nobody = self.terms.unannotated == Unannotated::Derives;
        let says_ours = nobody || said.is_none_or(|said| said == ours);
        self.turn = match self.turn {
            Turn::Unknown if says_ours => Turn::Over,
            Turn::Unknown => {
                self.loosen(&site.link, status);
                Turn::Tells
            }
            Turn::Tells if says_ours => Turn::Told(Instant::now()),
            Turn::Told(since) if since.elapsed() >= HEARD => Turn::Over,
            same => same,
        };
        let waits = self.turn != Turn::Over && !matches!(self.decisions.backend, Backend::Vxlan(_));
        if waits {
            let note =
                format!("other nodes are told that this one is {ours} now; until they know, all stays");
            status.warnings.push(note);
        }
        waits
    }

    /// When all is as it is wanted, the filter is as strict as it was.
    pub(super) fn end_turn(&mut self, status: &mut Status) {
        let memory = self.files.memory();
        if self.turn != Turn::Over || !status.problems.is_empty() {
            return;
        }
        if let Err(why) = restore(&self.host, memory) {
            status.warnings.push(why);
        }
    }

    /// Gives the filter its value back, whatever the turn.
    ///
    /// # Errors
    /// Why it stays loose.
    pub(crate) fn give_back(&self, memory: &Path) -> Result<(), String> {
        restore(&self.host, memory)
    }

    /// It is written down first: whoever kills this agent keeps the next one from knowing.
    fn loosen(&self, link: &LinkName, status: &mut Status) {
        let memory = self.files.memory();
        let done = match self.host.strict_reverse_path(link) {
            Ok(Some(before)) => crate::published::write_if_different(memory, &format!("{link} {before}\n"))
                .map_err(|error| error.to_string())
                .and_then(|_| self.host.loosen_reverse_path(link).map_err(|error| error.to_string())),
            Ok(None) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        status.warnings.extend(done.err());
    }
}

/// Gives the filter of the link that the memory names its value back, and forgets it.
///
/// # Errors
/// Why it stays loose.
pub(crate) fn restore(host: &host::Host, memory: &Path) -> Result<(), String> {
    let Ok(text) = fs::read_to_string(memory) else { return Ok(()) };
    if let Some((link, value)) = text.trim_end().split_once(' ')
        && let Ok(link) = link.parse::<LinkName>()
    {
        host.restore_reverse_path(&link, value).map_err(|error| error.to_string())?;
    }
    crate::published::remove(memory).map_err(|error| error.to_string())
}
