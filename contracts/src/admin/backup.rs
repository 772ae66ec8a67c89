//! Backups, as operators see them.

use serde::{Deserialize, Serialize};

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Backup {
    /// Its name, which sorts by time.
    pub id: String,
    /// Why nothing of it is used: its manifest was changed, or not signed with this `SECRET_KEY`. `null` where it holds;
    /// the rest is `null` where it does not.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub fault: Option<String>,
    /// When it was begun.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub taken_at: Option<String>,
    /// The position that it holds everything up to.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub position: Option<i64>,
    /// When that event was recorded.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub recorded_at: Option<String>,
    /// How many events it has that are not in an archive.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub events: Option<i64>,
    /// How many files it is made of; backups share those of the log.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub files: Option<i64>,
    /// How many bytes those have.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub bytes: Option<i64>,
    /// The release that made it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub program: Option<String>,
    /// When it was last restored for trial and found to hold; `null` where nobody has tried.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub verified_at: Option<String>,
}

/// Making a backup, or trying one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupRun {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// `create` makes one, `verify` restores all of one for trial, `files` reads and opens its files, `drill` restores one
    /// for practice as of any moment in it.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::BackupRunKind))]
    pub kind: String,
    /// `running`, `done`, `failed`, or `cut_off` where the server that was at it ended.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::BackupRunStatus))]
    pub status: String,
    /// The backup that is tried, or was made; `null` until it is made.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub backup_id: Option<String>,
    /// What is being done, in words; empty at first.
    pub step: String,
    /// How far that is.
    pub reached: i64,
    /// Of how much; 0 where that is not known.
    pub goal: i64,
    /// Why it failed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error: Option<String>,
    /// How many events the backup has, or how many were restored and hold.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub events: Option<i64>,
    /// The position that it ends at.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub position: Option<i64>,
    /// How many events a restore would have lost: the log had recorded them beyond it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub lost: Option<i64>,
    /// When it began.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub started_at: String,
    /// When it ended.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub finished_at: Option<String>,
}

/// `POST /api/admin/backups/{id}/verify`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"files_only": true})))]
pub struct VerifyBackup {
    /// Only read and open each file; by default all of it is restored.
    #[serde(default)]
    pub files_only: bool,
}

/// `POST /api/admin/backups/{id}/restore-drill`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"as_of": "2027-01-31T12:00:00Z"})))]
pub struct DrillBackup {
    /// Up to which moment: a time or a position; by default all of it.
    #[serde(default)]
    pub as_of: Option<String>,
}

/// What a server does about backups without being asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupPlan {
    /// Where backups lie: a folder, or a bucket.
    pub location: String,
    /// Hours from one backup to the next; `null` where they are made by hand alone.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub every_hours: Option<i64>,
    /// Hours from one trial of the newest to the next; `null` where it is tried by hand alone.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub verify_every_hours: Option<i64>,
    /// The newest so many are kept.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub keep_last: Option<i64>,
    /// And the newest of each of so many days.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub keep_days: Option<i64>,
}
