//! Takes an empty database for a restore.

use sqlx::{Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::super::{BackupError, KEPT, Restored};
use crate::LogTable;

/// Taken by whoever restores into a database.
const ALONE: &str = "licet restore";

/// Takes an empty database, or goes on with the same restore; answers what was restored where only what comes after that
/// is left to do.
pub(super) async fn take(connection: &mut PgConnection, wanted: &str) -> Result<Option<Restored>, BackupError> {
    let alone = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS "alone!""#,
        ALONE
    );
    if !alone.fetch_one(&mut *connection).await? {
        return Err(BackupError::Restoring);
    }
    let begun: bool = sqlx::query_scalar("SELECT to_regclass('restore.run') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if begun {
        return go_on(connection, wanted).await;
    }
    let tables: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'read_model') AND c.relkind IN ('r', 'p')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if tables > 0 {
        return Err(BackupError::InUse(format!("it has {tables} tables")));
    }
    let mut transaction = connection.begin().await?;
    transaction
        .execute(
            "CREATE SCHEMA restore;
             CREATE TABLE restore.run (wanted text NOT NULL, position bigint, log_id uuid, forgotten text);
             CREATE TABLE restore.files (path text PRIMARY KEY);
             CREATE TABLE restore.indexes (number serial PRIMARY KEY, statement text NOT NULL, made boolean NOT NULL DEFAULT false)",
        )
        .await?;
    sqlx::query("INSERT INTO restore.run (wanted) VALUES ($1)")
        .bind(wanted)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(None)
}

async fn go_on(connection: &mut PgConnection, wanted: &str) -> Result<Option<Restored>, BackupError> {
    let (begun, position, log_id, forgotten): (String, Option<i64>, Option<Uuid>, Option<String>) =
        sqlx::query_as("SELECT wanted, position, log_id, forgotten FROM restore.run")
            .fetch_one(connection)
            .await?;
    if begun != wanted {
        return Err(BackupError::InUse(format!(
            "a restore of {begun} was begun in it and is not finished; go on with that, or make the database anew"
        )));
    }
    let (Some(position), Some(log_id), Some(forgotten)) = (position, log_id, forgotten) else {
        return Ok(None);
    };
    Ok(Some(Restored {
        position,
        log_id,
        forgotten: serde_json::from_str(&forgotten).map_err(std::io::Error::other)?,
    }))
}

/// Indexes are made when the rows are there, which takes a fraction of the time.
pub(super) async fn set_indexes_aside(connection: &mut PgConnection) -> Result<(), BackupError> {
    let aside: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM restore.indexes)")
        .fetch_one(&mut *connection)
        .await?;
    if aside {
        return Ok(());
    }
    let tables: Vec<&str> = LogTable::ALL.iter().map(|table| table.as_str()).chain(KEPT).collect();
    let mut transaction = connection.begin().await?;
    let found: Vec<(String, String)> = sqlx::query_as(
        "SELECT CASE WHEN k.oid IS NULL THEN format('DROP INDEX public.%I', i.relname)
                     ELSE format('ALTER TABLE public.%I DROP CONSTRAINT %I', t.relname, k.conname) END,
                CASE WHEN k.oid IS NULL THEN replace(pg_get_indexdef(i.oid), ' ON ONLY ', ' ON ')
                     ELSE format('ALTER TABLE public.%I ADD CONSTRAINT %I %s', t.relname, k.conname, pg_get_constraintdef(k.oid)) END
         FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
         LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.contype IN ('p', 'u') AND k.conrelid = t.oid
         WHERE t.relnamespace = 'public'::regnamespace AND t.relname = ANY($1)
         ORDER BY k.oid IS NULL, i.relname",
    )
    .bind(tables)
    .fetch_all(&mut *transaction)
    .await?;
    for (dropped, made) in found {
        transaction.execute(dropped.as_str()).await?;
        sqlx::query("INSERT INTO restore.indexes (statement) VALUES ($1)")
            .bind(made)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}
