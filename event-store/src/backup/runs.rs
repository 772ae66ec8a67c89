//! What became of backups, kept in the database that they are of, by the database's clock.

use sqlx::PgPool;
use uuid::Uuid;

use super::{BackupError, BackupManifest};
use crate::Edge;

/// The newest backup that was made of a database.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LastBackup {
    /// How many seconds ago it was begun.
    pub age: f64,
    /// Where it went.
    pub store_id: Option<Uuid>,
}

/// Writes down that a backup is begun. One that never ends was cut off.
pub(super) async fn begin(pool: &PgPool, edge: &Edge) -> Result<Uuid, BackupError> {
    // What was begun later than now was begun by a clock that has been set back since: it would hide all others.
    sqlx::query!(
        r#"DELETE FROM backup_runs
           WHERE started_at > clock_timestamp() OR started_at < clock_timestamp() - interval '400 days'"#
    )
    .execute(pool)
    .await?;
    let run_id = edge.id();
    sqlx::query!("INSERT INTO backup_runs (run_id) VALUES ($1)", run_id)
        .execute(pool)
        .await?;
    Ok(run_id)
}

/// Writes down how it ended.
pub(super) async fn end(
    pool: &PgPool,
    run_id: Uuid,
    store_id: Option<Uuid>,
    made: &Result<BackupManifest, BackupError>,
) -> Result<(), BackupError> {
    let backup_id = made.as_ref().ok().map(|manifest| manifest.id.clone());
    let error = made.as_ref().err().map(ToString::to_string);
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

/// The newest backup that was made; none where none ever was.
pub async fn last(pool: &PgPool) -> Result<Option<LastBackup>, BackupError> {
    let last = sqlx::query_as!(
        LastBackup,
        r#"SELECT extract(epoch FROM clock_timestamp() - started_at)::float8 AS "age!", store_id FROM backup_runs
           WHERE backup_id IS NOT NULL ORDER BY started_at DESC LIMIT 1"#
    )
    .fetch_optional(pool)
    .await?;
    Ok(last)
}
