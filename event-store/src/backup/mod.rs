//! Backups: the log, the vault, the archive and what stands beside them, as files that are sealed and signed.
//!
//! A backup is a manifest that names files. The log's files are cut at fixed positions and named by the chain there, so
//! that the next backup names them again in place of writing them; nothing is ever written over. Read models are not in
//! it: they are folded anew. The manifest is written last; what was written before a crash is noted, and found again.

mod bundle;
mod copy;
mod create;
mod forgotten;
mod keys;
mod location;
mod making;
mod manifest;
mod restore;
mod runs;
mod scratch;
mod store;
mod tables;

pub use bundle::Bundle;
pub use create::{Creation, create, prune};
pub use forgotten::{ForgottenKey, keep_forgotten};
pub use keys::BackupKeys;
pub use location::{BucketAccess, StoreLocation};
pub use manifest::{BackupFile, BackupManifest, FileKind};
pub use restore::{RestorePoint, Restored, begin_anew, check_files, complete, expect_reachable, restore};
pub use runs::{LastRun, Run, RunKind, RunReport, RunRow, Teller, count_runs, find_run, last, runs, verified_at};
pub use scratch::{Scratch, ScratchPlace};
pub use store::BackupStore;
pub use tables::{KEPT, LEFT_OUT};

/// Why there is no backup, or no restore. Nothing was changed, or what was begun goes on where the same is asked again.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be made.
    #[error(transparent)]
    Schema(#[from] crate::schema::SchemaError),
    /// The store failed.
    #[error("the store of backups failed: {0}")]
    Store(#[from] object_store::Error),
    /// A file could not be sealed, opened or written.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// There is no such folder.
    #[error("the folder {0} is not there; is its volume mounted? Make it where backups are to begin")]
    NoFolder(String),
    /// The store is not the one that the last backups went to.
    #[error(
        "{0} is not the store that this database was backed up to before; is its volume mounted? Where backups are to \
         begin anew there, say --new-store"
    )]
    OtherStore(String),
    /// Backups of another log lie there.
    #[error(
        "{0} holds backups of another log; give each installation a folder of its own. Where backups are to begin there all \
         the same, say --new-store"
    )]
    ForeignStore(String),
    /// No recipient of age.
    #[error("{0:?} is no age recipient; one begins with age1")]
    Recipient(String),
    /// There is no such backup.
    #[error("there is no backup {id} in {location}; `licet backup list` shows which there are")]
    NotFound {
        /// Which was asked for.
        id: String,
        /// Where.
        location: String,
    },
    /// The manifest was not signed with this secret, or was changed.
    #[error(
        "the manifest of backup {0} was not signed with this SECRET_KEY, or was changed since; nothing of it is used"
    )]
    Unsigned(String),
    /// A file is gone.
    #[error("{0} is missing from the store; nothing of this backup is used")]
    Missing(String),
    /// A file is not what was written.
    #[error("{0} is not what was written with this SECRET_KEY: cut off, exchanged or changed")]
    Touched(String),
    /// Someone else is at it.
    #[error("another backup of this database is being made at this moment")]
    Busy,
    /// Someone else is at it.
    #[error("another restore into this database is going on at this moment")]
    Restoring,
    /// Someone else is at it.
    #[error("another backup is being verified on that server at this moment")]
    Verifying,
    /// There is no cluster to verify a backup in.
    #[error(transparent)]
    Cluster(#[from] crate::embedded::ClusterError),
    /// The database holds something.
    #[error("this database is in use: {0}. A restore begins in an empty one")]
    InUse(String),
    /// A newer program's backup.
    #[error("backup {id} has migration {schema}, which this program does not know; restore it with licet {program}")]
    Newer {
        /// Which backup.
        id: String,
        /// Its newest migration.
        schema: i64,
        /// What made it.
        program: String,
    },
    /// What is asked for is not in the backup.
    #[error("{0}")]
    OutOfReach(String),
    /// Two things that have to agree do not.
    #[error("{0}; the database that was being restored is not to be used")]
    Mismatch(String),
}
