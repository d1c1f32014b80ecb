//! The only loop and the only state: wait, coalesce, plan, reconcile, report.
//!
//! Everything is level-triggered. Whatever wakes the loop, a pass looks at all Nodes and at the kernel as they are now,
//! and changes the difference: an event that was missed costs nothing, and what happened while no agent ran is found
//! by the first pass. Before a complete list of Nodes was seen nothing is touched; after that, what is known last
//! counts until something newer is known.

mod alarm;
mod ear;
mod facts;
mod findings;
mod ground;
mod locator;
mod nodes;
mod pass;
mod readiness;

use std::io;
use std::time::{Duration, Instant, SystemTime};

use host::watch::{Followed, Topic, Wake};
use tokio::sync::{mpsc, watch};

use crate::metrics::Metrics;
use crate::patience::Patience;
use crate::report::{Notice, Weight, Wish};
use crate::server::Question;
use crate::source::News;
use crate::status::Status;

pub(crate) use alarm::Alarm;
pub(crate) use ear::Ear;
pub(crate) use ground::Ground;
pub(crate) use locator::Locator;
pub(crate) use pass::{Outcome, Pass, restore};

/// A pass without any cause: the safety net beneath the kernel's notifications.
const TICK: Duration = Duration::from_secs(60);

/// Notifications come in swarms: so long is waited for the rest.
const SWARM: Duration = Duration::from_millis(5);

/// So do changes of Nodes, which arrive together. A complete list is complete.
const FLOCK: Duration = Duration::from_millis(1);

/// Between two passes that only the kernel asks for: others change their rules and links all the time.
const BREATH: Duration = Duration::from_millis(100);

/// So soon a pass that did not reach everything is made again; later ones ever later, up to [`TICK`].
const RETRY: Duration = Duration::from_secs(1);

/// Passes in a row that see to what the pass before has changed.
const CONFIRMATIONS: u32 = 3;

/// What the loop hears.
pub(crate) struct Ears {
    /// Of Nodes.
    pub(crate) news: mpsc::Receiver<News>,
    /// Of the kernel's links, addresses and routes.
    pub(crate) network: Ear,
    /// Of its packet rules.
    pub(crate) rules: Ear,
    /// Of files that somebody changed.
    pub(crate) files: mpsc::Receiver<()>,
    /// Of the node's administrator.
    pub(crate) questions: mpsc::Receiver<Question>,
}

/// Whom the loop tells.
pub(crate) struct Voice {
    /// The newest status.
    pub(crate) status: watch::Sender<Status>,
    /// What the cluster shall know of this node.
    pub(crate) wishes: watch::Sender<Wish>,
    /// What else it shall be told, each once.
    pub(crate) notices: mpsc::Sender<Notice>,
    /// What Prometheus reads.
    pub(crate) metrics: Metrics,
}

/// The loop.
pub(crate) struct Agent {
    pass: Pass,
    ears: Ears,
    voice: Voice,
    patience: Patience,
    alarm: Alarm,
    /// When the next pass is made.
    due: Instant,
    /// When the last one ended.
    ended: Instant,
    /// When the kernel was looked at last.
    looked: Instant,
    /// What the next pass can rest on.
    ground: Ground,
    /// Passes in a row that did not reach everything.
    failures: u32,
}

impl Agent {
    /// A loop that has heard nothing yet.
    pub(crate) fn new(pass: Pass, ears: Ears, voice: Voice, alarm: Alarm) -> Self {
        let now = Instant::now();
        Self {
            pass,
            ears,
            voice,
            patience: Patience::default(),
            alarm,
            due: now + TICK,
            ended: now,
            looked: now,
            ground: Ground::Unknown,
            failures: 0,
        }
    }

    /// Works until the future is dropped. What it leaves in the kernel stays: traffic goes on without it.
    pub(crate) async fn run(&mut self) {
        self.tell();
        loop {
            tokio::select! {
                Some(news) = self.ears.news.recv() => self.hear(news),
                heard = self.ears.network.heard() => self.heard(heard),
                heard = self.ears.rules.heard() => self.heard(heard),
                Some(()) = self.ears.files.recv() => self.mend(Wake::default()),
                Some(question) = self.ears.questions.recv() => self.answer(question),
                () = self.alarm.rings(self.due) => self.work(),
            }
        }
    }

    /// Nobody may be waiting for it any more.
    fn answer(&mut self, question: Question) {
        match question {
            Question::Differences(to) => drop(to.send(self.pass.differences())),
            Question::Peers(to) => drop(to.send(self.pass.peers())),
        }
    }

    fn hear(&mut self, news: News) {
        match &news {
            News::Lost(why) => {
                self.voice.metrics.lost();
                tracing::warn!(%why, "no news of Nodes; what is known stays");
            }
            News::Back => tracing::info!("news of Nodes again"),
            News::All(nodes) => tracing::info!(nodes = nodes.len(), "a complete list of Nodes"),
            News::Changed(node) => tracing::debug!(node = node.name, "a Node has changed"),
            News::Gone(name) => tracing::info!(node = name, "a Node is gone"),
        }
        let wait = if matches!(news, News::Changed(_) | News::Gone(_)) { FLOCK } else { Duration::ZERO };
        if self.pass.take(news) {
            self.due = self.due.min(Instant::now() + wait);
        }
        self.tell();
    }

    /// A socket that fails can't be waited for; what happens is found all the same, at the next pass.
    fn heard(&mut self, heard: io::Result<Wake>) {
        let wake = heard.unwrap_or_else(|error| {
            tracing::error!(%error, "the kernel can't be heard");
            Topic::Lost.into()
        });
        self.mend(wake);
    }

    /// Something was changed that may be ours: soon, but not sooner than patience with it allows.
    fn mend(&mut self, wake: Wake) {
        self.ground = self.ground.after(wake);
        let now = Instant::now();
        self.due = self.due.min(self.patience.next(wake, now).max(now + SWARM).max(self.ended + BREATH));
    }

    /// Passes until the kernel is as wanted. What the kernel said before a pass, the pass sees; so the word of our own
    /// changes is taken in by the pass that confirms them, and that of others' in between is never lost.
    ///
    /// Where nothing but Nodes has changed since a pass confirmed all, the next makes their difference at once and
    /// looks at nothing. It is confirmed like any other, a breath later. Where the kernel has said nothing of what
    /// routes don't tell, a glance will do; everything is looked at once a [`TICK`], whatever was heard.
    fn work(&mut self) {
        if self.looked.elapsed() >= TICK {
            self.ground = Ground::Unknown;
        }
        let mut rested = Ground::Unknown;
        for _ in 0..CONFIRMATIONS {
            self.listen();
            let start = Instant::now();
            let outcome = self.pass.make(self.ground);
            self.note(&outcome, start.elapsed());
            let confirmed = outcome.changes == 0 && self.pass.is_whole();
            self.ground = if confirmed { Ground::Confirmed } else { Ground::Unknown };
            rested = outcome.ground;
            if rested == Ground::Confirmed || outcome.changes == 0 {
                break;
            }
        }
        self.ended = Instant::now();
        if rested == Ground::Unknown {
            self.looked = self.ended;
        }
        if rested != Ground::Confirmed {
            self.follow();
        }
        self.due = self.looked + TICK;
        if rested == Ground::Confirmed && self.ground == Ground::Unknown {
            self.due = self.due.min(self.ended + BREATH);
        }
        if self.pass.is_whole() {
            self.failures = 0;
        } else {
            let wait = RETRY.saturating_mul(2u32.saturating_pow(self.failures)).min(TICK);
            self.due = self.due.min(self.ended + wait);
            self.failures += 1;
        }
        self.tell();
    }

    /// Listens to the links that count by now.
    fn follow(&mut self) {
        let links = self.pass.links();
        let followed = links.iter().map(|(name, index, part)| Followed { name, index: *index, part: *part });
        self.ears.network.follow(followed);
    }

    /// Takes in what the kernel has said by now.
    fn listen(&mut self) {
        for ear in [&mut self.ears.network, &mut self.ears.rules] {
            match ear.drain() {
                Ok(None) => {}
                Ok(Some(wake)) => self.ground = self.ground.after(wake),
                Err(error) => {
                    self.ground = Ground::Unknown;
                    tracing::error!(%error, "the kernel can't be heard");
                }
            }
        }
    }

    fn note(&mut self, outcome: &Outcome, time: Duration) {
        let metrics = &self.voice.metrics;
        metrics.passed(time);
        metrics.refused(outcome.refusals);
        if self.pass.is_whole() {
            metrics.succeeded(SystemTime::now());
        }
        tracing::debug!(changes = outcome.changes, refusals = outcome.refusals, ?time, "a pass");
        for (kind, what) in &outcome.repairs {
            metrics.repaired(kind);
            tracing::debug!(kind, what, "mended");
        }
        if let Some((kind, what)) = outcome.repairs.first() {
            tracing::warn!(
                kind,
                what,
                repairs = outcome.repairs.len(),
                "found wrong and mended; this is the first"
            );
        }
        let kinds: Vec<_> = outcome.repairs.iter().map(|(kind, _)| *kind).collect();
        if self.patience.repaired(&kinds, Instant::now())
            && let Some((_, what)) = outcome.repairs.first()
        {
            let note = format!("{what}: undone again and again; it is mended more and more slowly");
            self.notify(Weight::Warning, "RepairsUndone", note);
        }
        self.voice.metrics.dropped(self.pass.dropped());
    }

    /// Tells people. Where too much is told already, one more is no news.
    fn notify(&self, weight: Weight, reason: &'static str, note: String) {
        match weight {
            Weight::Warning => tracing::warn!(reason, "{note}"),
            Weight::Normal => tracing::info!(reason, "{note}"),
        }
        let name = note.split_once(": ").map_or(note.as_str(), |(about, _)| about).to_owned();
        let notice = Notice { weight, reason, kind: "Network", name, note };
        let _ = self.voice.notices.try_send(notice);
    }

    fn tell(&mut self) {
        let (status, wish) = (self.pass.status(), self.pass.wish());
        let before = self.voice.status.borrow().clone();
        for (reason, notes) in findings::news(&before, &status) {
            for note in notes {
                self.notify(Weight::Warning, reason, note);
            }
        }
        if status.ready().is_ok() && before.ready().is_err() {
            let note =
                format!("Ready: {} paths to pods of other nodes are in the kernel", status.paths.programmed);
            self.notify(Weight::Normal, "NetworkReady", note);
        }
        self.voice.status.send_if_modified(|last| std::mem::replace(last, status) != before);
        self.voice.wishes.send_if_modified(|last| std::mem::replace(last, wish.clone()) != wish);
    }
}
