//! Gives seats, and keeps those that machines ask for again.

use licet_domain::{
    SeatHold,
    license::{License, LicenseCommand},
    values::ActivationId,
};
use licet_event_store::{AppendError, IdempotentAnswer, Precondition, ReadError, Submission};

use super::{Activated, EffectiveLicense};
use crate::{Body, CommandError, Context, Done, Platform};

/// How often a seat is looked at again after it met a change.
const ATTEMPTS: usize = 8;

impl Platform {
    /// Runs an order that gives a machine a seat. One that has it already is answered with the position at which it got it,
    /// and is held from now on, as by a beat: it was heard of, and its lease is as good as a new one.
    pub(super) async fn give_seat(
        &self,
        context: &Context,
        effective: &EffectiveLicense,
        order: impl Fn(&License) -> Result<LicenseCommand, CommandError> + Sync,
        output: impl Fn(&License) -> Result<Activated, CommandError> + Sync,
        body: Body<'_, Activated>,
    ) -> Result<Done<Activated>, CommandError> {
        let mut seats_without_hold = None;
        for _ in 0..ATTEMPTS {
            let about = (effective.id().0, context, context.envelope());
            let mut done = self.run_change(&self.licenses, about, &order, &output, body).await?;
            if done.changed {
                return Ok(done);
            }
            let (id, sequence) = (effective.id().to_string(), done.value.activation.sequence);
            let position = self.log.position_of("license", &id, sequence).await;
            done.position = position.map_err(ReadError::from)?;
            let answer = context.answer_with(200, Some(done.position), || body(&done.value));
            match self.hold_on(context, &done.value, seats_without_hold, answer).await {
                Ok(()) => return Ok(done),
                // The seat fell free meanwhile; or its policy floats only since a moment ago, and it has no hold.
                Err(AppendError::HoldChanged(_) | AppendError::Conflict { .. }) => {
                    let fresh = self.licenses.fresh(&context.tenant, effective.id().0).await?;
                    let seated = output(&fresh.state).is_ok_and(|found| found.activation.is_seated());
                    seats_without_hold = seated.then_some(fresh.version);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommandError::Contended)
    }

    /// Holds a floating seat from now on, and keeps the answer.
    async fn hold_on(
        &self,
        context: &Context,
        seated: &Activated,
        seats_without_hold: Option<u64>,
        answer: Option<IdempotentAnswer>,
    ) -> Result<(), AppendError> {
        let effective = &seated.effective;
        let mut submission = Self::submission(context, answer);
        hold(&mut submission, effective, seated.activation.id(), seats_without_hold);
        if submission.holds.is_empty() && submission.idempotency.is_none() {
            return Ok(());
        }
        self.log.append(submission).await.map(|_| ())
    }
}

/// Moves the hold of a floating seat on in a submission. `seats_without_hold` is the license's version at which the seat had no hold.
pub(super) fn hold(
    submission: &mut Submission,
    effective: &EffectiveLicense,
    activation_id: ActivationId,
    seats_without_hold: Option<u64>,
) {
    let Some(seconds) = effective.terms().hold_seconds() else {
        return;
    };
    submission.holds = vec![match seats_without_hold {
        Some(version) => {
            submission.preconditions = vec![Precondition::StreamUnchanged {
                aggregate_type: "license",
                aggregate_id: effective.id().to_string(),
                version,
            }];
            SeatHold::Take {
                activation_id,
                license_id: effective.id(),
                seconds,
            }
        }
        None => SeatHold::Extend { activation_id, seconds },
    }];
}
