//! Records that licenses have ended, for those who subscribe to it.

use futures::{StreamExt as _, stream};
use licet_commands::{CommandError, Context, Platform};
use licet_domain::{license::LicenseRejection, values::LicenseId};
use licet_event_store::Tenant;
use licet_projections::license_state::{self, DueLicense};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::WorkerError;

/// Licenses looked at together.
const PAGE_SIZE: i64 = 500;
/// Licenses recorded at the same time: they share transactions.
const CONCURRENCY: usize = 16;

pub(crate) async fn sweep(platform: &Platform) -> Result<(), WorkerError> {
    let now = platform.edge.now();
    let mut after = (OffsetDateTime::UNIX_EPOCH, Uuid::nil());
    let mut outcome = Ok(());
    loop {
        let due = license_state::due(platform.log.pool(), now, after, PAGE_SIZE).await;
        let due = due.map_err(|error| WorkerError::of("looking for ended licenses")(error.into()))?;
        let last = due.last().map(|license| (license.expires_at, license.license_id));
        let is_last = (due.len() as i64) < PAGE_SIZE;
        let noted: Vec<_> = stream::iter(due)
            .map(|license| async move { note(platform, &license).await })
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        // One that fails keeps no other waiting; it is met again in the next turn.
        outcome = noted.into_iter().fold(outcome, Result::and);
        match last {
            Some(last) if !is_last => after = last,
            _ => return outcome,
        }
    }
}

async fn note(platform: &Platform, license: &DueLicense) -> Result<(), WorkerError> {
    let tenant = Tenant::new(&license.tenant_id);
    let context = Context::system("expiry", tenant, platform.edge.now(), platform.edge.id());
    match platform.note_expiry(&context, LicenseId(license.license_id)).await {
        Ok(_) | Err(CommandError::License(LicenseRejection::NotFound)) => Ok(()),
        Err(error) => Err(WorkerError::of("recording an ended license")(error.into())),
    }
}
