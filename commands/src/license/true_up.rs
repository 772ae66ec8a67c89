//! How many seats a license used, and had, through its whole life: what a true-up statement is made of.

use std::future::ready;

use futures::TryStreamExt as _;
use licet_domain::{
    Decider,
    license::{License, LicenseRejection, Standing},
    policy::Policy,
    true_up::Step,
    values::{LicenseId, Timestamp},
};
use licet_event_store::{ReadError, RecordedRow, Tenant, decode};
use uuid::Uuid;

use crate::{CommandError, Context, Platform};

/// Adds what is news.
fn push(steps: &mut Vec<Step>, step: Step) {
    let same = |last: &Step| (last.used, last.seats) == (step.used, step.seats);
    if !steps.last().is_some_and(same) {
        steps.push(step);
    }
}

/// A license that ended before a moment was not used from its end on.
fn end_by(steps: &mut Vec<Step>, ends: Option<Timestamp>, moment: Timestamp) {
    if let (Some(last), Some(end)) = (steps.last().copied(), ends)
        && last.at < end
        && end <= moment
    {
        push(
            steps,
            Step {
                at: end,
                used: 0,
                ..last
            },
        );
    }
}

impl Platform {
    /// Every change of the seats that a license uses or has, in order: from its own history and its policy's.
    pub async fn seat_steps(&self, context: &Context, id: LicenseId) -> Result<Vec<Step>, CommandError> {
        let missing = || CommandError::License(LicenseRejection::NotFound);
        let license = self.licenses.get(&context.tenant, id.0).await?;
        let policy_id = license.state.facts().ok_or_else(missing)?.issued.policy_id.0;
        let mut changes = self.history_of::<License>(&context.tenant, id.0, 0).await?;
        let policy = self.history_of::<Policy>(&context.tenant, policy_id, 0).await?;
        let (mut license, mut terms) = (License::default(), Policy::default());
        let mut policy = policy.into_iter().peekable();
        let mut steps: Vec<Step> = Vec::new();
        let mut ends: Option<Timestamp> = None;
        changes.reverse();
        loop {
            let next = match (changes.last(), policy.peek()) {
                (None, None) => break,
                (Some(one), Some(other)) => one.0 < other.0,
                (Some(_), None) => true,
                (None, Some(_)) => false,
            };
            let (position, at) = if next {
                let Some((position, at, event)) = changes.pop() else {
                    break;
                };
                license = License::evolve(license, &event);
                (position, at)
            } else {
                let Some((position, at, event)) = policy.next() else {
                    break;
                };
                terms = Policy::evolve(terms, &event);
                (position, at)
            };
            let (Some(license), Some(policy)) = (license.facts(), terms.facts()) else {
                continue;
            };
            end_by(&mut steps, ends, at);
            // Whoever may not run uses nothing, whatever seats it has.
            let stands = matches!(license.standing, Standing::Active | Standing::Suspended);
            let lasts = license.window(&policy.terms).usable_until().is_none_or(|end| at < end);
            let step = Step {
                position,
                at,
                used: if stands && lasts { license.active } else { 0 },
                seats: license.seats(&policy.terms),
            };
            push(&mut steps, step);
            ends = license.window(&policy.terms).usable_until();
        }
        end_by(&mut steps, ends, context.now);
        Ok(steps)
    }

    /// Position, moment and event of each change after a version.
    pub(super) async fn history_of<D: Decider>(
        &self,
        tenant: &Tenant,
        id: Uuid,
        version: u64,
    ) -> Result<Vec<(i64, Timestamp, D::Event)>, CommandError> {
        let read = |row: RecordedRow| -> Result<_, ReadError> {
            let position = row.position()?;
            let event = decode(row.event_type()?, row.event_version()?, row.payload()?)
                .map_err(|cause| ReadError::Decode { position, cause })?;
            Ok((position, row.recorded_at()?.into(), event))
        };
        let (id, version) = (id.to_string(), version.cast_signed());
        let rows = self.log.history(tenant, D::TYPE, &id, version, i64::MAX, None);
        let events = rows.map_err(ReadError::from).and_then(|row| ready(read(row)));
        Ok(events.try_collect().await?)
    }
}
