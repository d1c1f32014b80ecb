//! What an ADD has made so far.

use cni::Failure;
use host::life::Proof;
use host::record::{Held, Record, Records};
use host::{Applied, Error, Host, Namespace};
use netstate::{Attachment, Plan};

use super::{Made, Master, Shape};
use crate::failure::of;

/// An ADD on its way: its plan in one piece, or the link first and the rest when IPAM has answered.
pub(super) struct Making {
    shape: Shape,
    records: Records,
    plan: Plan,
    applied: Applied,
    /// Taken already.
    proof: Option<Proof>,
    /// Until the attachment stands, a link that is not there proves nothing.
    held: Option<Held>,
}

impl Making {
    pub(super) fn begin(shape: Shape) -> Result<Self, Failure> {
        let records = Records::of_this_boot().map_err(of)?;
        Ok(Self {
            shape,
            records,
            plan: Plan::default(),
            applied: Applied::default(),
            proof: None,
            held: None,
        })
    }

    /// Goes by a proof of life that was taken on the way.
    pub(super) fn know(&mut self, proof: Option<&Proof>) {
        self.proof = proof.cloned();
    }

    /// Records the plan, and applies what of it has not been made before.
    pub(super) fn make(
        &mut self,
        host: &mut Host,
        plan: &Plan,
        container: &Namespace,
        owner: &Attachment,
    ) -> Result<(), Failure> {
        // Before the record: what is restored is other attachments', and an ADD that fails takes back only its own.
        Self::restore_if_flushed(host, plan)?;
        let record = Record::new(owner, self.proof(container, owner)?, plan).at(container.path());
        self.held = Some(self.records.write(&record).map_err(of)?);
        let rest = plan.beyond(&self.plan);
        self.plan = plan.clone();
        host.apply(&rest, Some(container), &mut self.applied).map_err(of)
    }

    fn proof(&self, container: &Namespace, owner: &Attachment) -> Result<Proof, Failure> {
        if let Some(proof) = &self.proof {
            return Ok(proof.clone());
        }
        let end = (self.shape == Shape::Pair).then(|| owner.host_link());
        Proof::of(Some(container.path()), end.as_ref())
            .map_err(|source| of(Error::Namespace { path: container.path().to_owned(), source }))
    }

    /// Takes everything back.
    pub(super) fn undo(&mut self, host: &mut Host, owner: &Attachment, container: &Namespace) {
        if self.held.is_some() && host.undo(&self.applied, &self.plan, container).is_empty() {
            // A record that can't be removed is the next DEL's to find.
            let _ = self.records.remove(owner);
        }
    }

    /// The interface plugins' records.
    pub(super) fn records(&self) -> &Records {
        &self.records
    }

    /// What the kernel says of it.
    pub(super) fn made(&self) -> Made {
        let Applied { bridge, gateway, link, mtu, .. } = &self.applied;
        Made {
            master: bridge.clone().map(Master::from),
            mtu: mtu.or(link.as_ref().map(|link| link.mtu)),
            mac: link.as_ref().and_then(|link| link.mac),
            gateway: gateway.as_ref().and_then(|gateway| gateway.mac),
        }
    }

    /// Where somebody flushed the ruleset, every live attachment lost its rules: this one brings them all back.
    fn restore_if_flushed(host: &mut Host, plan: &Plan) -> Result<(), Failure> {
        let kinds = plan.rule_kinds();
        if !kinds.is_empty() && !host.has_tables(&kinds).map_err(of)? {
            // What of others' can't be brought back is no reason for this one to fail; STATUS tells of it.
            let _ = host.restore();
        }
        Ok(())
    }
}
