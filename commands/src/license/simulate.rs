//! Lives a license's real history under proposed terms. Nothing is written.

use licet_domain::{
    Decider as _,
    api_key::Scope,
    license::{License, LicenseEvent, SimulatedRefusal, Simulation},
    policy::{Policy, Terms},
    values::{LicenseId, Limits, Timestamp},
};
use uuid::Uuid;

use crate::{CommandError, Context, Platform, policy::TermsChanges};

/// What became of one license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedLicense {
    /// How many machines had a seat at the beginning that there would not have been.
    pub over_seats: u32,
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
        context.require(Scope::Read)?;
        let policy = self.policies.get(&context.tenant, policy).await?;
        let present = policy.state.facts().ok_or(CommandError::NotFound("policy"))?;
        let terms = changes.applied_to(&present.terms)?;
        let order = licet_domain::policy::PolicyCommand::Edit {
            terms: terms.clone(),
            at: context.now,
        };
        Policy::decide(&policy.state, order)?;
        Ok(terms)
    }

    /// Lives a license's history since a moment under proposed terms.
    pub async fn simulate_license(
        &self,
        context: &Context,
        id: LicenseId,
        terms: &Terms,
        since: Timestamp,
    ) -> Result<SimulatedLicense, CommandError> {
        let events = self.history_of::<License>(&context.tenant, id.0).await?;
        let begin = events.partition_point(|(_, at, _)| *at < since);
        let (before, after) = events.split_at(begin);
        let state = before
            .iter()
            .fold(License::default(), |state, (_, _, event)| License::evolve(state, event));
        let mut simulation = Simulation::new(state, terms.clone());
        let over_seats = simulation.over_seats();
        let mut refused = Vec::new();
        for (position, _, event) in after {
            refused.extend(simulation.live(event).map(|refusal| (*position, refusal)));
        }
        let limits = simulation.limits();
        let activated = |(_, _, event): &&(_, _, LicenseEvent)| matches!(event, LicenseEvent::Activated(_));
        Ok(SimulatedLicense {
            over_seats,
            refused,
            limits,
            activations: after.iter().filter(activated).count() as u64,
        })
    }
}
