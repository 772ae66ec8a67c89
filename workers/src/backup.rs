//! Makes backups at intervals and deletes those that are not kept.

use std::{path::PathBuf, time::Duration};

use licet_commands::Platform;
use licet_domain::backup::Keep;
use licet_event_store::{
    EventLog,
    backup::{self, BackupError, BackupKeys, BackupManifest, BackupStore},
};

use crate::WorkerError;

/// Where backups go, how often, and which of them are kept.
#[derive(Clone)]
pub struct BackupSchedule {
    /// The folder.
    pub folder: PathBuf,
    /// What they are sealed and signed with.
    pub keys: BackupKeys,
    /// How long after one the next begins.
    pub every: Duration,
    /// Which are kept.
    pub keep: Keep,
}

/// Keeps the ledger of who was forgotten, and makes a backup where one is due.
pub(crate) async fn turn(platform: &Platform, schedule: &BackupSchedule) -> Result<(), WorkerError> {
    let failed = |error: BackupError| WorkerError::of("the backup")(error.into());
    let store = BackupStore::open(&schedule.folder).map_err(failed)?;
    let (log, keys) = (&platform.log, &schedule.keys);
    backup::keep_forgotten(log.pool(), &store, keys).await.map_err(failed)?;
    let last = backup::last(log.pool()).await.map_err(failed)?;
    // By the database's clock; one that was set back must not keep backups away.
    let due = last.is_none_or(|last| last.age < 0.0 || last.age >= schedule.every.as_secs_f64());
    if !due {
        return Ok(());
    }
    let made = backup::create(log, (&store, keys), &platform.edge, false, |_, _| {}).await;
    let made = match made {
        // Whoever makes one by hand at this moment has made one.
        Err(BackupError::Busy) => return Ok(()),
        made => made.map_err(failed)?,
    };
    tracing::info!(
        backup = made.id,
        position = made.position,
        bytes = made.bytes(),
        "a backup was made"
    );
    let deleted = prune(log, (&store, keys), schedule.keep, false).await.map_err(failed)?;
    for manifest in deleted {
        tracing::info!(backup = manifest.id, "a backup was deleted: newer ones are kept");
    }
    Ok(())
}

/// Deletes the backups that are not kept, or says only which; answers which.
pub async fn prune(
    log: &EventLog,
    (store, keys): (&BackupStore, &BackupKeys),
    keep: Keep,
    dry_run: bool,
) -> Result<Vec<BackupManifest>, BackupError> {
    let all: Vec<BackupManifest> = store.list(keys).await?.into_iter().collect::<Result<_, _>>()?;
    let made_at: Vec<_> = all.iter().map(|manifest| manifest.taken_at).collect();
    let superfluous = keep.superfluous(&made_at);
    let deleted: Vec<BackupManifest> = all
        .into_iter()
        .zip(superfluous)
        .filter_map(|(manifest, superfluous)| superfluous.then_some(manifest))
        .collect();
    let ids: Vec<String> = deleted.iter().map(|manifest| manifest.id.clone()).collect();
    if !ids.is_empty() && !dry_run {
        backup::prune(log, (store, keys), &ids).await?;
    }
    Ok(deleted)
}
