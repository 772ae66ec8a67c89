//! What became of backups, kept in the database that they are of.

use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use super::BackupError;

/// An attempt at a backup.
#[derive(Debug, Clone)]
pub struct BackupRun {
    /// Its name.
    pub run_id: Uuid,
    /// Where it went.
    pub store_id: Option<Uuid>,
    /// What was made.
    pub backup_id: Option<String>,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// Why there is none.
    pub error: Option<String>,
}

/// Writes down how an attempt ended.
pub async fn record(pool: &PgPool, run: &BackupRun) -> Result<(), BackupError> {
    sqlx::query!(
        r#"INSERT INTO backup_runs (run_id, store_id, backup_id, started_at, finished_at, error)
           VALUES ($1, $2, $3, $4, clock_timestamp(), $5)"#,
        run.run_id,
        run.store_id,
        run.backup_id,
        run.started_at,
        run.error,
    )
    .execute(pool)
    .await?;
    sqlx::query!("DELETE FROM backup_runs WHERE started_at < clock_timestamp() - interval '400 days'")
        .execute(pool)
        .await?;
    Ok(())
}

/// The newest attempt that succeeded: when it began, and where it went.
pub async fn last_success(pool: &PgPool) -> Result<Option<(OffsetDateTime, Option<Uuid>)>, BackupError> {
    let found = sqlx::query!(
        "SELECT started_at, store_id FROM backup_runs WHERE error IS NULL AND finished_at IS NOT NULL ORDER BY started_at DESC LIMIT 1"
    )
    .fetch_optional(pool)
    .await?;
    Ok(found.map(|row| (row.started_at, row.store_id)))
}
