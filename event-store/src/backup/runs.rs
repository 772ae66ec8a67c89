//! What became of backups and of trying them, kept in the database that they are of, by the database's clock.

use std::fmt::Display;

use sqlx::PgPool;
use uuid::Uuid;

use super::BackupError;
use crate::Edge;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// A backup is made.
    Create,
    /// A backup is tried by restoring it.
    Verify,
}

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

impl RunKind {
    /// As it is called in the database and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Verify => "verify",
        }
    }
}

/// Writes down that something is begun. What never ends was cut off.
pub async fn begin(pool: &PgPool, kind: RunKind, edge: &Edge) -> Result<Uuid, BackupError> {
    // What was begun later than now was begun by a clock that has been set back since: it would hide all others. What
    // fails is tried again every minute.
    sqlx::query!(
        r#"DELETE FROM backup_runs
           WHERE started_at > clock_timestamp() OR started_at < clock_timestamp() - interval '400 days'
              OR error IS NOT NULL AND started_at < clock_timestamp() - interval '7 days'"#
    )
    .execute(pool)
    .await?;
    let run_id = edge.id();
    sqlx::query!(
        "INSERT INTO backup_runs (run_id, kind) VALUES ($1, $2)",
        run_id,
        kind.as_str()
    )
    .execute(pool)
    .await?;
    Ok(run_id)
}

/// Writes down how it ended: with which backup, or why not.
pub async fn end(
    pool: &PgPool,
    run_id: Uuid,
    store_id: Option<Uuid>,
    ended: Result<&str, impl Display>,
) -> Result<(), BackupError> {
    let (backup_id, error) = match ended {
        Ok(id) => (Some(id.to_owned()), None),
        Err(error) => (None, Some(error.to_string())),
    };
    sqlx::query!(
        r#"UPDATE backup_runs SET store_id = $2, backup_id = $3, error = $4, finished_at = clock_timestamp() WHERE run_id = $1"#,
        run_id,
        store_id,
        backup_id,
        error,
    )
    .execute(pool)
    .await?;
    Ok(())
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
