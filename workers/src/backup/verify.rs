//! Tries the newest backup at intervals.

use licet_event_store::{
    backup::{self, BackupError, RunKind},
    niceness,
};
use tokio::sync::{oneshot, watch};

use super::{BackupSchedule, Trial, Verified, VerifyError, VerifySchedule, is_due, noted};
use crate::{Worker, WorkerError};

/// After a trial that failed, or that another node is at, the next one comes so many seconds later.
const TRY_AGAIN: f64 = 3600.0;

/// Tries the newest backup where that is due.
pub(crate) async fn turn(one: &Worker, schedule: &BackupSchedule, how: &VerifySchedule) -> Result<(), WorkerError> {
    let failed = |error: VerifyError| WorkerError::of("trying a backup")(error.into());
    match try_newest(one, schedule, how).await {
        Ok(()) | Err(VerifyError::CutOff) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

async fn try_newest(one: &Worker, schedule: &BackupSchedule, how: &VerifySchedule) -> Result<(), VerifyError> {
    let log = &one.platform.log;
    let last = backup::last(log.pool(), RunKind::Verify).await?;
    let rests = last.tried.is_some_and(|age| (0.0..TRY_AGAIN).contains(&age));
    if !is_due(last.succeeded, how.every) || rests {
        return Ok(());
    }
    let store = schedule.store()?;
    let Some(id) = store.ids().await?.pop() else {
        return Ok(());
    };
    let trying = aside(schedule.clone(), how.clone(), id.clone(), one.ending.clone());
    let verified = noted(log, &one.platform.edge, (&store, &id), trying).await?;
    if let Some(fault) = verified.fault() {
        return Err(VerifyError::Fault { id, fault });
    }
    tracing::info!(
        backup = id,
        events = verified.audit.events,
        "a backup was restored, and all of it holds"
    );
    Ok(())
}

/// On a thread that gives way to whoever serves machines, and with it what it starts.
async fn aside(
    schedule: BackupSchedule,
    how: VerifySchedule,
    id: String,
    mut ending: watch::Receiver<bool>,
) -> Result<Verified, VerifyError> {
    let (answer, answered) = oneshot::channel();
    std::thread::spawn(move || {
        niceness::give_way();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let tried = runtime
            .map_err(|error| BackupError::from(error).into())
            .and_then(|runtime| {
                runtime.block_on(async {
                    tokio::select! {
                        tried = try_one(&schedule, &how, &id) => tried,
                        _ = ending.wait_for(|ending| *ending) => Err(VerifyError::CutOff),
                    }
                })
            });
        // Who does not wait for it any more is about to end.
        let _ = answer.send(tried);
    });
    answered.await.unwrap_or(Err(VerifyError::CutOff))
}

async fn try_one(schedule: &BackupSchedule, how: &VerifySchedule, id: &str) -> Result<Verified, VerifyError> {
    let store = schedule.store()?;
    let manifest = store.manifest(id, &schedule.keys).await?;
    let trial = Trial {
        store: &store,
        keys: &schedule.keys,
        secret_key: &how.secret_key,
        place: &how.place,
        told: &|_, _, _| {},
    };
    trial.whole(&manifest).await
}
