//! Takes floating seats back whose machines were silent for too long.

use std::sync::Arc;

use futures::{StreamExt as _, stream};
use licet_domain::{
    license::{License, LicenseCommand, LicenseRejection},
    values::LicenseId,
};
use licet_event_store::{Precondition, ReadError, holds};

use crate::{CommandError, Context, Platform};

/// Seats looked at together.
const PAGE_SIZE: i64 = 500;
/// Seats taken back at the same time: they share transactions.
const CONCURRENCY: usize = 16;

impl Platform {
    /// Takes back what is silent in one license; answers how many seats fell free.
    pub async fn reclaim_seats_of(&self, license: LicenseId) -> Result<usize, CommandError> {
        self.reclaim(Some(license)).await
    }

    /// Takes back what is silent anywhere; answers how many seats fell free.
    pub async fn reclaim_silent_seats(&self) -> Result<usize, CommandError> {
        self.reclaim(None).await
    }

    /// Page after page, for as long as that frees any; one seat that fails keeps no other waiting.
    async fn reclaim(&self, license: Option<LicenseId>) -> Result<usize, CommandError> {
        let mut freed = 0;
        loop {
            let expired = holds::expired(self.log.pool(), license, PAGE_SIZE).await;
            let expired = expired.map_err(ReadError::from)?;
            let is_last = (expired.len() as i64) < PAGE_SIZE;
            let outcomes: Vec<_> = stream::iter(expired)
                .map(|hold| async move { self.reclaim_one(&hold).await })
                .buffer_unordered(CONCURRENCY)
                .collect()
                .await;
            let freed_now = outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count();
            freed += freed_now;
            outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
            if is_last || freed_now == 0 {
                return Ok(freed);
            }
        }
    }

    /// One seat; a beat that arrives at the same moment wins or loses under the log's lock.
    async fn reclaim_one(&self, hold: &holds::ExpiredHold) -> Result<bool, CommandError> {
        let activation_id = hold.activation_id;
        let context = Context::system("seats", hold.tenant.clone(), self.edge.now(), self.edge.id());
        let license = self.licenses.get(&hold.tenant, hold.license_id.0).await?;
        if license.state.facts().is_none() {
            return Ok(false);
        }
        let effective = self.effective(&hold.tenant, &license).await?;
        let mut envelope = context.envelope();
        envelope.preconditions = vec![Precondition::HoldExpired { activation_id }];
        let order = |_: &License| {
            Ok::<_, CommandError>(LicenseCommand::ReleaseSeat {
                activation_id,
                terms: Arc::clone(effective.terms()),
                at: context.now,
            })
        };
        let done = self
            .run(
                &self.licenses,
                (hold.license_id.0, &context, envelope),
                order,
                |_| Ok(()),
                &|()| String::new(),
            )
            .await;
        match done {
            Ok(done) if done.changed => Ok(true),
            // The policy does not float any more, or the seat is gone: the hold means nothing.
            Ok(_) => {
                holds::drop_expired(self.log.pool(), activation_id)
                    .await
                    .map_err(ReadError::from)?;
                Ok(false)
            }
            // A beat was faster, or another node took the seat back.
            Err(CommandError::Contended | CommandError::License(LicenseRejection::NotFound)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
