//! What became of backups and of trying them, for who asks.

use std::collections::HashMap;

use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use super::RunKind;
use crate::backup::BackupError;

/// Whoever was not heard of for so many seconds was cut off.
const SILENT: f64 = 60.0;

/// What became of the newest.
#[derive(Debug, Clone, PartialEq)]
pub struct LastRun {
    /// How many seconds ago the newest that succeeded was begun.
    pub succeeded: Option<f64>,
    /// Where that went, or came from.
    pub store_id: Option<Uuid>,
    /// How many seconds ago the newest of all was begun.
    pub tried: Option<f64>,
    /// Why the newest that ended failed, if it did.
    pub error: Option<String>,
}

/// A run as it stands.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// Its id.
    pub run_id: Uuid,
    /// `create`, `verify`, `files` or `drill`.
    pub kind: String,
    /// The backup that is tried, or was made.
    pub backup: Option<String>,
    /// What is being done.
    pub step: String,
    /// How far that is.
    pub reached: i64,
    /// Of how much.
    pub goal: i64,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
    /// Why it failed.
    pub error: Option<String>,
    /// Events in the backup, or that were restored and hold.
    pub events: Option<i64>,
    /// The position that it ends at.
    pub position: Option<i64>,
    /// Events that the log had recorded beyond it.
    pub lost: Option<i64>,
    silent: f64,
}

impl RunRow {
    /// `running`, `done`, `failed` or `cut_off`.
    pub fn status(&self) -> &'static str {
        match (self.finished_at, &self.error) {
            (Some(_), Some(_)) => "failed",
            (Some(_), None) => "done",
            (None, _) if self.silent > SILENT => "cut_off",
            (None, _) => "running",
        }
    }
}

/// What became of the newest of a kind.
pub async fn last(pool: &PgPool, kind: RunKind) -> Result<LastRun, BackupError> {
    let last = sqlx::query_as!(
        LastRun,
        r#"WITH succeeded AS (
               SELECT started_at, store_id FROM backup_runs WHERE kind = $1 AND backup_id IS NOT NULL
               ORDER BY started_at DESC LIMIT 1
           )
           SELECT (SELECT extract(epoch FROM clock_timestamp() - started_at)::float8 FROM succeeded) AS succeeded,
                  (SELECT store_id FROM succeeded) AS store_id,
                  (SELECT extract(epoch FROM clock_timestamp() - started_at)::float8 FROM backup_runs
                   WHERE kind = $1 ORDER BY started_at DESC LIMIT 1) AS tried,
                  (SELECT error FROM backup_runs WHERE kind = $1 AND finished_at IS NOT NULL
                   ORDER BY started_at DESC LIMIT 1) AS error"#,
        kind.as_str()
    )
    .fetch_one(pool)
    .await?;
    Ok(last)
}

/// One run.
pub async fn find_run(pool: &PgPool, run_id: Uuid) -> sqlx::Result<Option<RunRow>> {
    sqlx::query_as!(
        RunRow,
        r#"SELECT run_id, kind, coalesce(backup_id, about) AS backup, step, reached, goal, started_at, finished_at, error,
                  events, position, lost, extract(epoch FROM clock_timestamp() - touched_at)::float8 AS "silent!"
           FROM backup_runs WHERE run_id = $1"#,
        run_id
    )
    .fetch_optional(pool)
    .await
}

/// The newest runs first, those that began before this one.
pub async fn runs(pool: &PgPool, before: Option<Uuid>, limit: i64) -> sqlx::Result<Vec<RunRow>> {
    sqlx::query_as!(
        RunRow,
        r#"SELECT run_id, kind, coalesce(backup_id, about) AS backup, step, reached, goal, started_at, finished_at, error,
                  events, position, lost, extract(epoch FROM clock_timestamp() - touched_at)::float8 AS "silent!"
           FROM backup_runs
           WHERE $1::uuid IS NULL
              OR (started_at, run_id) < (SELECT started_at, run_id FROM backup_runs WHERE run_id = $1)
           ORDER BY started_at DESC, run_id DESC LIMIT $2"#,
        before,
        limit
    )
    .fetch_all(pool)
    .await
}

/// How many runs are known, counted up to `most`.
pub async fn count_runs(pool: &PgPool, most: Option<i64>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (SELECT FROM backup_runs LIMIT $1) AS counted"#,
        most
    )
    .fetch_one(pool)
    .await
}

/// When each of these backups was last seen to hold, by restoring all of it.
pub async fn verified_at(pool: &PgPool, ids: &[String]) -> sqlx::Result<HashMap<String, OffsetDateTime>> {
    let rows = sqlx::query!(
        r#"SELECT backup_id AS "backup_id!", max(finished_at) AS "at!" FROM backup_runs
           WHERE kind = 'verify' AND backup_id = ANY($1) AND finished_at IS NOT NULL GROUP BY backup_id"#,
        ids
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.backup_id, row.at)).collect())
}
