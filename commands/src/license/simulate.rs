//! Lives a license's real history under proposed terms. Nothing is written.

use licet_domain::{
    Decider as _, Resource as _,
    license::{License, LicenseEvent, SimulatedRefusal, Simulation},
    policy::{Policy, Terms},
    values::{ActivationId, LicenseId, Limits, Timestamp},
};
use uuid::Uuid;

use crate::{CommandError, Context, Platform, policy::TermsChanges};

/// What became of one license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedLicense {
    /// The machines that had a seat at the beginning that there would not have been.
    pub over_seats: Vec<ActivationId>,
    /// When it would have been of no use, in order: from each moment to before the other.
    pub over: Vec<(Timestamp, Timestamp)>,
    /// Machines that would have been refused, with the position of the event that admitted them.
    pub refused: Vec<(i64, SimulatedRefusal)>,
    /// How many activations were judged.
    pub activations: u64,
    /// The limits that it would have.
    pub limits: Limits,
}

impl Platform {
    /// The terms that these changes would make of a policy; refused where no edit could make them.
    pub async fn proposed_terms(
        &self,
        context: &Context,
        policy: Uuid,
        changes: &TermsChanges,
    ) -> Result<Terms, CommandError> {
        let policy = self.resources.policies.get(&context.tenant, policy).await?;
        let present = policy.state.facts().ok_or(CommandError::not_found(Policy::KIND))?;
        let terms = changes.applied_to(&present.terms)?;
        let order = licet_domain::policy::PolicyCommand::Edit {
            terms: terms.clone(),
            at: context.now,
        };
        Policy::decide(&policy.state, order)?;
        Ok(terms)
    }

    /// Lives a license's history since a moment, which had this position, under proposed terms.
    pub async fn simulate_license(
        &self,
        context: &Context,
        id: LicenseId,
        terms: &Terms,
        (since, position): (Timestamp, i64),
    ) -> Result<SimulatedLicense, CommandError> {
        let before = self.licenses.as_of(&context.tenant, id.0, position).await?;
        let after = self
            .history_of::<License>(&context.tenant, id.0, before.version)
            .await?;
        let mut simulation = Simulation::new(before.state, terms.clone());
        let over_seats = simulation.over_seats();
        let (mut refused, mut over, mut from) = (Vec::new(), Vec::new(), since);
        for (position, at, event) in &after {
            over.extend(over_between(simulation.usable_until(), from, *at));
            from = *at;
            refused.extend(simulation.live(event).map(|refusal| (*position, refusal)));
        }
        over.extend(over_between(simulation.usable_until(), from, context.now));
        let limits = simulation.limits();
        let activated = |(_, _, event): &&(_, _, LicenseEvent)| matches!(event, LicenseEvent::Activated(_));
        Ok(SimulatedLicense {
            over_seats,
            over,
            refused,
            limits,
            activations: after.iter().filter(activated).count() as u64,
        })
    }
}

/// The part of a stretch in which a license is of no use any more.
fn over_between(usable_until: Option<Timestamp>, from: Timestamp, to: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let begin = usable_until?.max(from);
    (begin < to).then_some((begin, to))
}
