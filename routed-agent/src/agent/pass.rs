//! One pass: look, plan, reconcile, and say how it went.

mod answers;
mod bridge;
mod flanneld;
mod foreign;
mod keeping;
mod own;
mod peers;
mod standing;
mod turn;

use host::Host;
use host::fabric::Shape;
use ipnetwork::IpNetwork;
use netstate::{Fabric, PodRules};

use crate::agent::ground::Ground;
use crate::agent::locator::{Found, Locator};
use crate::agent::nodes::Nodes;
use crate::cluster::{Cluster, Refused, Terms};
use crate::duties::{self, Decisions, Paths, Site};
use crate::files::Files;
use crate::source::News;
use crate::status::Status;
use flanneld::Predecessor;
use turn::Turn;

pub(crate) use turn::restore;

/// So many lines of a kind are kept in a status: of thousands nobody reads more.
const LINES: usize = 100;

/// So many repairs.
const REPAIRS: usize = 20;

/// How a pass went.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What the look at the fabric rested on.
    pub(crate) ground: Ground,
    /// Objects changed.
    pub(crate) changes: usize,
    /// Those among them that nobody wanted changed: their kind, and which.
    pub(crate) repairs: Vec<(&'static str, String)>,
    /// Changes that the kernel refused.
    pub(crate) refusals: u64,
}

/// What a pass needs, and what it leaves for the next.
pub(crate) struct Pass {
    host: Host,
    nodes: Nodes,
    terms: Terms,
    decisions: Decisions,
    locator: Locator,
    files: Files,
    shape: Shape,
    cluster: Option<Cluster>,
    site: Option<Site>,
    ground: Ground,
    /// What the locator found, as long as it would find the same.
    found: Option<Found>,
    own: Vec<IpNetwork>,
    /// Routes of others that the last look found in the way of paths.
    foreign: Vec<String>,
    predecessor: Predecessor,
    turn: Turn,
    wanted: Option<Wanted>,
    /// The kernel was once just as `wanted`: what differs since, somebody changed.
    settled: bool,
    status: Status,
}

/// What the kernel was told last.
#[derive(PartialEq, Eq)]
struct Wanted {
    fabric: Fabric,
    rules: PodRules,
}

impl Pass {
    /// A pass that has made nothing yet.
    pub(crate) fn new(
        host: Host,
        terms: Terms,
        decisions: Decisions,
        locator: Locator,
        files: Files,
    ) -> Self {
        let own = files.subnets(&decisions.networks);
        let status = Status {
            node: terms.own.clone(),
            backend: decisions.backend.name().to_owned(),
            ..Status::default()
        };
        Self {
            host,
            nodes: Nodes::default(),
            terms,
            decisions,
            locator,
            files,
            shape: Shape::default(),
            cluster: None,
            site: None,
            ground: Ground::Unknown,
            found: None,
            own,
            foreign: Vec::new(),
            predecessor: Predecessor::default(),
            turn: Turn::default(),
            wanted: None,
            settled: false,
            status,
        }
    }

    /// Takes news in; says whether they may change anything.
    pub(crate) fn take(&mut self, news: News) -> bool {
        let of_others = match &news {
            News::Changed(node) => node.name != self.terms.own,
            News::Gone(name) => *name != self.terms.own,
            News::All(_) | News::Lost(_) | News::Back => false,
        };
        let changed = self.nodes.take(news);
        if changed {
            self.cluster = None;
            self.found.take_if(|_| !of_others);
        }
        changed
    }

    /// Makes it. Nothing is touched before a complete list of Nodes was seen.
    pub(crate) fn make(&mut self, ground: Ground) -> Outcome {
        if !self.nodes.complete() {
            return Outcome::default();
        }
        let mut status = Status {
            node: self.terms.own.clone(),
            backend: self.decisions.backend.name().to_owned(),
            repairs: std::mem::take(&mut self.status.repairs),
            ..Status::default()
        };
        let cluster = self.cluster.take().unwrap_or_else(|| Cluster::of(self.nodes.iter(), &self.terms));
        self.ground = ground;
        self.found.take_if(|_| ground != Ground::Confirmed);
        let outcome = self.reconcile(&cluster, &mut status);
        self.cluster = Some(cluster);
        let skip = status.repairs.len().saturating_sub(REPAIRS);
        status.repairs.drain(..skip);
        status.paths.refused = status.refused.len();
        for lines in [&mut status.refused, &mut status.waiting, &mut status.failed] {
            let more = lines.len().saturating_sub(LINES);
            lines.truncate(LINES);
            lines.extend((more > 0).then(|| format!("… and {more} more")));
        }
        self.status = status;
        outcome
    }

    fn reconcile(&mut self, cluster: &Cluster, status: &mut Status) -> Outcome {
        let mut outcome = Outcome::default();
        if self.is_flannelds(status) {
            return outcome;
        }
        let own = self.own.clone();
        self.know_own(cluster, status);
        self.found.take_if(|_| own != self.own);
        let Some((site, bridge)) = self.stand(status) else { return outcome };
        if self.turn(&site, status) {
            self.site = Some(site);
            return outcome;
        }
        let Paths { mut paths, refused } = duties::paths(&self.decisions, &site, cluster);
        self.keep_silent(cluster, &mut paths);
        let others = |refused: &&Refused| *refused.node != *self.terms.own;
        for refused in cluster.refused.iter().chain(&refused).filter(others) {
            let lines = if refused.reason.is_temporary() { &mut status.waiting } else { &mut status.refused };
            lines.push(refused.to_string());
        }
        let mut fabric = duties::fabric(&self.decisions, &site, &self.own, paths);
        if let Err(error) = self.yield_to_foreign(&mut fabric, cluster, status) {
            // Better nothing than a path in another's place, or the loss of one that stands.
            status.problems.push(error.to_string());
            return outcome;
        }
        let rules = duties::pod_rules(&self.decisions, &self.own, cluster.endpoints.clone());
        let wanted = Wanted { fabric, rules };
        let drifted = self.settled && self.wanted.as_ref() == Some(&wanted);
        let fabric = self.keep_fabric(&wanted.fabric, status, &mut outcome);
        let rules = self.keep_rules(&wanted.rules, status, &mut outcome);
        self.keep_forwarding(status);
        outcome.changes = fabric.len() + rules.len();
        self.settled = outcome.changes == 0 && outcome.refusals == 0;
        if drifted {
            let fabric = fabric.iter().map(|change| (change.kind().word(), change.to_string()));
            outcome.repairs = fabric.chain(rules).collect();
            status.repairs.extend(outcome.repairs.iter().map(|(_, what)| what.clone()));
        }
        self.keep_bridge(bridge.as_ref(), status.pod_mtu, status);
        self.keep_files(status);
        self.succeed_flanneld(&wanted.fabric, status);
        self.end_turn(status);
        self.wanted = Some(wanted);
        self.site = Some(site);
        outcome
    }

    /// Later passes make paths of another shape.
    pub(crate) fn shape_as(&mut self, shape: Shape) {
        self.shape = shape;
    }

    /// Takes the pods' packet rules away.
    ///
    /// # Errors
    /// Why they stay.
    pub(crate) fn forget_rules(&mut self) -> Result<(), String> {
        self.host.remove_pod_rules().map_err(|error| error.to_string())
    }

    /// Did the last pass reach everything?
    pub(crate) fn is_whole(&self) -> bool {
        self.wanted.is_some() && self.status.problems.is_empty() && self.status.failed.is_empty()
    }
}
