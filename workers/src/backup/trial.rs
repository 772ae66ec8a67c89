//! Tries a backup: restores it where it is in nobody's way, walks the log, folds every read model and compares each with
//! its replay.

use licet_event_store::{
    Edge, EventLog, Keyring, LogOptions, ReadError, Tenant,
    audit::{self, AuditReport},
    backup::{
        self, BackupError, BackupKeys, BackupManifest, BackupStore, RestorePoint, Run, RunReport, Scratch, ScratchPlace,
    },
    vault::{Vault, VaultError},
};
use licet_projections::{self as projections, ProjectionError, projectors};
use serde::Serialize;

/// What a backup is tried with.
pub struct Trial<'a> {
    /// Where backups lie.
    pub store: &'a BackupStore,
    /// What they are sealed and signed with.
    pub keys: &'a BackupKeys,
    /// Opens the vault.
    pub secret_key: &'a str,
    /// Where it is restored.
    pub place: &'a ScratchPlace,
    /// Up to where.
    pub point: RestorePoint,
    /// Hears what is being done, how far that is, and of how much.
    pub told: &'a (dyn Fn(&'static str, i64, i64) + Send + Sync),
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Verified {
    /// The log.
    pub audit: AuditReport,
    /// Every read model against its replay.
    pub read_models: Vec<projections::Verified>,
}

/// Why it could not be tried to the end.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be restored.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The vault does not open.
    #[error("the vault in it does not open: {0}")]
    Vault(#[from] VaultError),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A read model cannot be folded.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// It was restored, and is not what it should be.
    #[error("backup {id} does not hold: {fault}")]
    Fault {
        /// Which.
        id: String,
        /// What is wrong.
        fault: String,
    },
    /// The server ends.
    #[error("it was cut off")]
    CutOff,
}

impl Verified {
    /// What is wrong with it; `None` where nothing is.
    pub fn fault(&self) -> Option<String> {
        if let Some(fault) = &self.audit.fault {
            return Some(format!("at position {}: {}", fault.position, fault.what));
        }
        let differs = self.read_models.iter().find(|one| !one.differences.is_empty());
        differs.map(|one| format!("the read model {} differs from its replay", one.name))
    }

    /// What is said of it, where the log went up to `head` when it was begun.
    fn report(&self, head: i64) -> RunReport {
        let position = self.audit.position;
        RunReport {
            events: Some(self.audit.events.cast_signed()),
            position: Some(position),
            lost: Some((head - position).max(0)),
        }
    }
}

/// Writes down what comes of trying a backup, in the database that it is of. What is cut off stays without an end.
pub async fn noted(
    (log, run): (&EventLog, Run),
    (store, id): (&BackupStore, &str),
    trying: impl Future<Output = Result<Option<Verified>, VerifyError>>,
) -> Result<Option<Verified>, VerifyError> {
    let head = log.position().await.map_err(BackupError::Database)?;
    let tried = trying.await;
    let ended = match &tried {
        Err(VerifyError::CutOff) => return tried,
        Err(error) => Err(error.to_string()),
        Ok(None) => Ok((id, RunReport::default())),
        Ok(Some(verified)) => verified.fault().map_or_else(|| Ok((id, verified.report(head))), Err),
    };
    // A store that is gone by now says so by itself.
    let store_id = store.id().await.ok().flatten();
    run.end(store_id, ended).await?;
    tried
}

impl Trial<'_> {
    /// Reads every file, and opens it.
    pub async fn files(&self, manifest: &BackupManifest) -> Result<(), VerifyError> {
        let told = |at, of| (self.told)("Reading", at, of);
        Ok(backup::check_files(self.store, self.keys, manifest, told).await?)
    }

    /// Restores it up to its point, looks it over, and throws it away.
    pub async fn restore(&self, manifest: &BackupManifest) -> Result<Verified, VerifyError> {
        let edge = Edge::system();
        let scratch = Scratch::make(self.place, &edge).await?;
        let verified = Box::pin(self.look_over(&scratch, manifest, edge)).await;
        scratch.discard().await?;
        verified
    }

    async fn look_over(
        &self,
        scratch: &Scratch,
        manifest: &BackupManifest,
        edge: Edge,
    ) -> Result<Verified, VerifyError> {
        let archive = scratch.archive();
        let told = |at, of| (self.told)("Restoring", at, of);
        let (from, to) = ((self.store, self.keys), Some(archive.as_path()));
        backup::restore(&scratch.url, from, manifest, self.point, to, told).await?;
        backup::complete(&scratch.url).await?;
        let settings = LogOptions {
            archive: Some(archive),
            ..LogOptions::default()
        };
        let opened = EventLog::open(&scratch.url, &settings).await;
        let (log, tasks) = opened.map_err(BackupError::Database)?;
        let walked = self.walk(&log, manifest, edge).await;
        let compared = self.compare(&log).await;
        drop(log);
        tasks.finish().await;
        Ok(Verified {
            audit: walked?,
            read_models: compared?,
        })
    }

    async fn walk(&self, log: &EventLog, manifest: &BackupManifest, edge: Edge) -> Result<AuditReport, VerifyError> {
        let vault = Vault::new(log.pool().clone(), self.secret_key, edge);
        let keyring = Keyring::open(vault, Tenant::default()).await?;
        // An earlier moment lacks what was signed after it.
        let kept = manifest.checkpoint.iter().filter(|_| self.point == RestorePoint::Whole);
        let kept: Vec<String> = kept.cloned().collect();
        let told = |at, of| (self.told)("Verifying", at, of);
        Ok(audit::verify(log, &keyring.verifying(), &kept, told).await?)
    }

    async fn compare(&self, log: &EventLog) -> Result<Vec<projections::Verified>, VerifyError> {
        for projector in projectors() {
            projections::rebuild(projector, log, &|at, of| (self.told)("Folding", at, of)).await?;
        }
        let mut compared = Vec::new();
        for projector in projectors() {
            compared.push(projections::verify(projector, log, &|at, of| (self.told)("Comparing", at, of)).await?);
        }
        Ok(compared)
    }
}
