//! The checks under the log's lock.

use std::collections::HashSet;

use licet_domain::SeatHold;

use super::Facts;
use crate::{
    speculative_chain::{QueuedSubmission, SpeculativeChain},
    submission::{AppendError, Precondition, Submission},
};

/// The checks under the log's lock, over what the database says and what this batch has done so far.
pub(crate) struct Checks {
    facts: Facts,
    /// The lines of which something was refused in this transaction. Their owners hear of it once it is over: a reader who
    /// looked anew before that would not see what goes in with it.
    refused: Vec<SpeculativeChain>,
}

impl Checks {
    pub(crate) fn new(facts: Facts) -> Self {
        let refused = Vec::new();
        Self { facts, refused }
    }

    /// Lets a submission in, or says why not; one that is refused leaves no trace, and none that rests on it gets in.
    pub(crate) fn admit(&mut self, order: QueuedSubmission<'_>) -> Result<(), AppendError> {
        let ends = |speculative_chain: &SpeculativeChain| {
            speculative_chain.is_broken() || self.refused.contains(speculative_chain)
        };
        if order.speculative_chain.is_some_and(ends) {
            return Err(rests_on_nothing(order.submission));
        }
        let admitted = self.check(order.submission);
        if let (Err(_), Some(speculative_chain)) = (&admitted, order.speculative_chain) {
            self.refused.push(speculative_chain.clone());
        }
        admitted
    }

    fn check(&mut self, submission: &Submission) -> Result<(), AppendError> {
        let tenant = submission.tenant.as_str();
        if let Some(answer) = &submission.idempotency {
            let scope = (tenant.to_owned(), answer.scope_hash.to_vec());
            if self.facts.answered.contains(&scope) {
                return Err(AppendError::IdempotencyTaken);
            }
        }
        for stream in submission.streams.iter().filter(|stream| stream.has_version()) {
            self.expect_version(stream.aggregate_type, &stream.aggregate_id, stream.expected_version)?;
        }
        for precondition in &submission.preconditions {
            match precondition {
                Precondition::StreamUnchanged {
                    aggregate_type,
                    aggregate_id,
                    version,
                } => self.expect_version(aggregate_type, aggregate_id, *version)?,
                Precondition::HoldExpired { activation_id } => {
                    if self.facts.holds.get(activation_id) != Some(&true) {
                        return Err(AppendError::HoldChanged(*activation_id));
                    }
                }
            }
        }
        for hold in &submission.holds {
            if let SeatHold::Extend { activation_id, .. } = hold
                && !self.facts.holds.contains_key(activation_id)
            {
                return Err(AppendError::HoldChanged(*activation_id));
            }
        }
        let freed = |claim: &crate::Claim| {
            submission
                .releases
                .iter()
                .any(|free| free.kind == claim.kind && free.value_hash == claim.value_hash)
        };
        let mut within = HashSet::new();
        for claim in &submission.claims {
            let holder = self.facts.claims.get(&key(tenant, claim.kind, &claim.value_hash));
            let twice = !within.insert((claim.kind, claim.value_hash));
            if let Some(holder) = holder
                .filter(|_| !freed(claim))
                .or_else(|| twice.then_some(&claim.aggregate_id))
            {
                return Err(AppendError::ClaimTaken {
                    kind: claim.kind,
                    holder: holder.clone(),
                });
            }
        }
        self.take(submission);
        Ok(())
    }

    fn take(&mut self, submission: &Submission) {
        let tenant = submission.tenant.as_str();
        for stream in submission.streams.iter().filter(|stream| stream.has_version()) {
            let id = (stream.aggregate_type.to_owned(), stream.aggregate_id.clone());
            self.facts
                .versions
                .insert(id, stream.expected_version + stream.events.len() as u64);
        }
        for hold in &submission.holds {
            match hold {
                SeatHold::Take { activation_id, .. } | SeatHold::Extend { activation_id, .. } => {
                    self.facts.holds.insert(*activation_id, false);
                }
                SeatHold::Free { activation_id } => _ = self.facts.holds.remove(activation_id),
            }
        }
        for release in &submission.releases {
            self.facts
                .claims
                .remove(&key(tenant, release.kind, &release.value_hash));
        }
        for claim in &submission.claims {
            self.facts
                .claims
                .insert(key(tenant, claim.kind, &claim.value_hash), claim.aggregate_id.clone());
        }
        if let Some(answer) = &submission.idempotency {
            self.facts
                .answered
                .insert((tenant.to_owned(), answer.scope_hash.to_vec()));
        }
    }

    fn expect_version(&self, aggregate_type: &'static str, id: &str, expected: u64) -> Result<(), AppendError> {
        let actual = self
            .facts
            .versions
            .get(&(aggregate_type.to_owned(), id.to_owned()))
            .copied()
            .unwrap_or(0);
        if actual == expected {
            return Ok(());
        }
        Err(AppendError::Conflict {
            aggregate_type,
            aggregate_id: id.to_owned(),
        })
    }
}

/// What it was decided on did not come to be: it is to be decided again.
fn rests_on_nothing(submission: &Submission) -> AppendError {
    let stream = submission.streams.first();
    AppendError::Conflict {
        aggregate_type: stream.map_or("", |stream| stream.aggregate_type),
        aggregate_id: stream.map_or_else(String::new, |stream| stream.aggregate_id.clone()),
    }
}

fn key(tenant: &str, kind: &str, hash: &[u8; 32]) -> (String, String, Vec<u8>) {
    (tenant.to_owned(), kind.to_owned(), hash.to_vec())
}
