//! Makes backups at intervals, tries them, and deletes those that are not kept.

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
pub use trial::{Trial, Verified, VerifyError, noted};

/// Where backups go, how often, and which of them are kept.
#[derive(Clone)]
pub struct BackupSchedule {
    /// Where they lie.
    pub location: StoreLocation,
    /// How that is reached, where it is a bucket.
    pub access: BucketAccess,
    /// What they are sealed and signed with.
    pub keys: BackupKeys,
    /// How long after one the next begins.
    pub every: Duration,
    /// Which are kept.
    pub keep: Keep,
    /// How they are tried, if they are.
    pub verify: Option<VerifySchedule>,
}

/// How backups are tried.
#[derive(Clone)]
pub struct VerifySchedule {
    /// How long after one trial the next begins.
    pub every: Duration,
    /// Where they are restored.
    pub place: ScratchPlace,
    /// Opens their vaults.
    pub secret_key: String,
}

impl BackupSchedule {
    /// What is done, and how often.
    pub fn runs(&self) -> Vec<(RunKind, Duration)> {
        let verify = self.verify.as_ref().map(|how| (RunKind::Verify, how.every));
        [(RunKind::Create, self.every)].into_iter().chain(verify).collect()
    }

    fn store(&self) -> Result<BackupStore, BackupError> {
        BackupStore::open(&self.location, &self.access)
    }
}

/// Starts making backups, and trying them.
pub(crate) fn begin(worker: &Worker, tasks: &mut JoinSet<()>, schedule: BackupSchedule) {
    const MINUTE: Duration = Duration::from_secs(60);
    if let Some(how) = schedule.verify.clone() {
        let schedule = schedule.clone();
        worker.begin(tasks, "worker/backup_verify", move |one| {
            let (schedule, how) = (schedule.clone(), how.clone());
            async move {
                let turn = || verify::turn(&one, &schedule, &how);
                // The first backup of all is tried soon.
                one.repeat("worker/backup_verify", MINUTE / 4, turn).await;
            }
        });
    }
    worker.begin(tasks, "worker/backup", move |one| {
        let schedule = schedule.clone();
        async move {
            one.repeat("worker/backup", MINUTE, || turn(&one.platform, &schedule))
                .await;
        }
    });
}

/// Keeps the ledger of who was forgotten, and makes a backup where one is due.
async fn turn(platform: &Platform, schedule: &BackupSchedule) -> Result<(), WorkerError> {
    let failed = |error: BackupError| WorkerError::of("the backup")(error.into());
    let store = schedule.store().map_err(failed)?;
    let (log, keys) = (&platform.log, &schedule.keys);
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
