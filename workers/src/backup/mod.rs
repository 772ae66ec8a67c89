//! Makes backups at intervals, tries them, and deletes those that are not kept.

mod aside;
mod trial;
mod verify;

use std::time::Duration;

use licet_commands::Platform;
use licet_domain::backup::Keep;
use licet_event_store::{
    EventLog,
    backup::{
        self, BackupError, BackupKeys, BackupManifest, BackupStore, BucketAccess, RunKind, ScratchPlace, StoreLocation,
    },
};

use tokio::task::JoinSet;

use crate::{Worker, WorkerError};
pub use aside::{Depth, verify_aside};
pub use trial::{Trial, Verified, VerifyError, noted};

/// Where backups go and how they are tried, by hand or by a schedule.
#[derive(Clone)]
pub struct BackupSettings {
    /// Where they lie.
    pub location: StoreLocation,
    /// How that is reached, where it is a bucket.
    pub access: BucketAccess,
    /// What they are sealed and signed with.
    pub keys: BackupKeys,
    /// Opens the vaults in them.
    pub secret_key: String,
    /// Where they are restored for trial.
    pub place: ScratchPlace,
    /// What is done without being asked; nothing where the operator has named no place for backups.
    pub schedule: Option<BackupSchedule>,
}

/// How often backups are made and tried, and which of them are kept.
#[derive(Debug, Clone, Copy)]
pub struct BackupSchedule {
    /// How long after one the next begins.
    pub every: Duration,
    /// How long after one trial of the newest the next begins, if it is tried.
    pub verify_every: Option<Duration>,
    /// Which are kept.
    pub keep: Keep,
}

impl BackupSettings {
    /// What is done without being asked, and how often.
    pub fn runs(&self) -> Vec<(RunKind, Duration)> {
        let Some(schedule) = self.schedule else {
            return Vec::new();
        };
        let verify = schedule.verify_every.map(|every| (RunKind::Verify, every));
        [(RunKind::Create, schedule.every)].into_iter().chain(verify).collect()
    }

    /// The store, opened.
    pub fn store(&self) -> Result<BackupStore, BackupError> {
        BackupStore::open(&self.location, &self.access)
    }
}

/// Starts making backups, and trying them.
pub(crate) fn begin(worker: &Worker, tasks: &mut JoinSet<()>, settings: BackupSettings, schedule: BackupSchedule) {
    const MINUTE: Duration = Duration::from_secs(60);
    if let Some(every) = schedule.verify_every {
        let settings = settings.clone();
        worker.begin(tasks, "worker/backup_verify", move |one| {
            let settings = settings.clone();
            async move {
                let turn = || verify::turn(&one, &settings, every);
                // The first backup of all is tried soon.
                one.repeat("worker/backup_verify", MINUTE / 4, turn).await;
            }
        });
    }
    worker.begin(tasks, "worker/backup", move |one| {
        let settings = settings.clone();
        async move {
            one.repeat("worker/backup", MINUTE, || turn(&one.platform, &settings, schedule))
                .await;
        }
    });
}

/// Keeps the ledger of who was forgotten, and makes a backup where one is due.
async fn turn(platform: &Platform, settings: &BackupSettings, schedule: BackupSchedule) -> Result<(), WorkerError> {
    let failed = |error: BackupError| WorkerError::of("the backup")(error.into());
    let store = settings.store().map_err(failed)?;
    let (log, keys) = (&platform.log, &settings.keys);
    backup::keep_forgotten(log.pool(), &store, keys).await.map_err(failed)?;
    let last = backup::last(log.pool(), RunKind::Create).await.map_err(failed)?;
    if !is_due(last.succeeded, schedule.every) {
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

/// Whether what was last done so many seconds ago, by the database's clock, is to be done; a clock that was set back must
/// not keep it away.
fn is_due(age: Option<f64>, every: Duration) -> bool {
    age.is_none_or(|age| age < 0.0 || age >= every.as_secs_f64())
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
