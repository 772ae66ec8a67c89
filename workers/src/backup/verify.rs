//! Tries the newest backup at intervals.

use std::time::Duration;

use licet_event_store::backup::{self, RestorePoint, Run, RunKind};

use super::{BackupSettings, Depth, VerifyError, is_due, noted, verify_aside};
use crate::{Worker, WorkerError};

/// After a trial that failed, or that another node is at, the next one comes so many seconds later.
const TRY_AGAIN: f64 = 3600.0;

/// Tries the newest backup where that is due.
pub(crate) async fn turn(one: &Worker, settings: &BackupSettings, every: Duration) -> Result<(), WorkerError> {
    let failed = |error: VerifyError| WorkerError::of("trying a backup")(error.into());
    match try_newest(one, settings, every).await {
        Ok(()) | Err(VerifyError::CutOff) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

async fn try_newest(one: &Worker, settings: &BackupSettings, every: Duration) -> Result<(), VerifyError> {
    let log = &one.platform.log;
    let last = backup::last(log.pool(), RunKind::Verify).await?;
    let rests = last.tried.is_some_and(|age| (0.0..TRY_AGAIN).contains(&age));
    if !is_due(last.succeeded, every) || rests {
        return Ok(());
    }
    let store = settings.store()?;
    let Some(id) = store.ids().await?.pop() else {
        return Ok(());
    };
    let run = Run::begin(log.pool(), RunKind::Verify, Some(&id), &one.platform.edge).await?;
    let wanted = (id.clone(), Depth::Restored(RestorePoint::Whole));
    let trying = verify_aside(settings.clone(), wanted, run.teller(), one.ending.clone());
    let verified = noted((log, run), (&store, &id), trying).await?;
    if let Some(fault) = verified.as_ref().and_then(super::Verified::fault) {
        return Err(VerifyError::Fault { id, fault });
    }
    let events = verified.map(|verified| verified.audit.events);
    tracing::info!(backup = id, events, "a backup was restored, and all of it holds");
    Ok(())
}
