//! Which months are due, and how one is dropped without holding up an append.

use sqlx::{Executor as _, PgConnection};

use super::{ArchiveError, ArchivedTable, READERS, Segment};

/// A partition whose month is due.
pub(super) struct Month {
    /// Schema and name.
    pub(super) partition: String,
    /// Such as `2026-08`.
    pub(super) month: String,
    /// Whether it belongs to its table still.
    pub(super) attached: bool,
    /// Whether it was about to be detached when something broke off.
    detaching: bool,
}

/// The months that were over so many days ago, by the database's clock, oldest first.
pub(super) async fn months(connection: &mut PgConnection, archived_table: &ArchivedTable) -> sqlx::Result<Vec<Month>> {
    let rows = sqlx::query!(
        r#"SELECT n.nspname || '.' || c.relname AS "partition!", replace(right(c.relname, 7), '_', '-') AS "month!",
               i.inhrelid IS NOT NULL AS "attached!", coalesce(i.inhdetachpending, false) AS "detaching!"
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
           WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname ~ ('^' || $2::text || '_\d{4}_\d{2}$')
             AND (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' + make_interval(days => $3)) AT TIME ZONE 'UTC'
                 <= clock_timestamp()
           ORDER BY 2"#,
        archived_table.schema,
        archived_table.table,
        i32::try_from(archived_table.days).unwrap_or(i32::MAX),
    )
    .fetch_all(connection)
    .await?;
    let months = rows.into_iter().map(|row| Month {
        partition: row.partition,
        month: row.month,
        attached: row.attached,
        detaching: row.detaching,
    });
    Ok(months.collect())
}

/// The last position of the log up to the end of a month, as far as it is online; 0 when there is none.
pub(super) async fn last_position(
    connection: &mut PgConnection,
    archived_table: &ArchivedTable,
    month: &Month,
) -> sqlx::Result<i64> {
    let statement = format!(
        "SELECT coalesce(max(position), 0) FROM {}
         WHERE recorded_at < (to_date($1, 'YYYY-MM') + interval '1 month') AT TIME ZONE 'UTC'",
        archived_table.source.as_str()
    );
    sqlx::query_scalar(&statement)
        .bind(&month.month)
        .fetch_one(connection)
        .await
}

/// Whether a month holds rows after a position.
pub(super) async fn holds_more(connection: &mut PgConnection, month: &Month, after: i64) -> sqlx::Result<bool> {
    let statement = format!("SELECT EXISTS (SELECT FROM {} WHERE position > $1)", month.partition);
    sqlx::query_scalar(&statement).bind(after).fetch_one(connection).await
}

/// A month of the log holds what its files hold, and no more: a clock that was set back may have added to it since.
async fn expect_same(connection: &mut PgConnection, month: &Month, parts: &[Segment]) -> Result<(), ArchiveError> {
    let statement = format!("SELECT count(*), coalesce(max(position), 0) FROM {}", month.partition);
    let found: (i64, i64) = sqlx::query_as(&statement).fetch_one(connection).await?;
    let rows = parts.iter().map(|part| part.rows).sum();
    if found == (rows, parts.last().map_or(0, |part| part.last_position)) {
        return Ok(());
    }
    Err(ArchiveError::Mismatch {
        what: format!("{} holds other events than its files", month.partition),
    })
}

/// Takes the lock of whoever walks the log, if nobody has it.
async fn lock_readers(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS "free!""#,
        READERS
    )
    .fetch_one(connection)
    .await
}

async fn unlock_readers(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT pg_advisory_unlock(hashtextextended($1, 0)) AS released",
        READERS
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// Whether nobody walks the log right now: only then it is worth while to look whether a month can be dropped.
pub(super) async fn nobody_walks(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let free = lock_readers(connection).await?;
    if free {
        unlock_readers(connection).await?;
    }
    Ok(free)
}

/// Detaches a month and drops it; `false` when someone walks the log or holds the table: the next run tries again.
///
/// `DETACH … CONCURRENTLY` neither waits for the lock that appends hold nor makes them wait; it waits for transactions
/// that have begun. A detach that broke off is finished the next time.
pub(super) async fn drop_month(
    connection: &mut PgConnection,
    archived_table: &ArchivedTable,
    month: &Month,
    parts: &[Segment],
) -> Result<bool, ArchiveError> {
    if !lock_readers(connection).await? {
        return Ok(false);
    }
    let dropped = detach_and_drop(connection, archived_table, month, parts).await;
    connection
        .execute("RESET statement_timeout; RESET lock_timeout")
        .await?;
    unlock_readers(connection).await?;
    match dropped {
        Ok(()) => Ok(true),
        // Someone's long transaction; the next run goes on from here.
        Err(ArchiveError::Database(sqlx::Error::Database(error)))
            if matches!(error.code().as_deref(), Some("57014" | "55P03")) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether a month has no rows.
pub(super) async fn is_empty(connection: &mut PgConnection, month: &Month) -> sqlx::Result<bool> {
    let statement = format!("SELECT NOT EXISTS (SELECT FROM {})", month.partition);
    sqlx::query_scalar(&statement).fetch_one(connection).await
}

async fn detach_and_drop(
    connection: &mut PgConnection,
    archived_table: &ArchivedTable,
    month: &Month,
    parts: &[Segment],
) -> Result<(), ArchiveError> {
    if month.attached {
        if archived_table.is_log() {
            expect_same(connection, month, parts).await?;
        }
        let how = if month.detaching { "FINALIZE" } else { "CONCURRENTLY" };
        let (parent, partition) = (archived_table.parent(), &month.partition);
        let statement = format!("ALTER TABLE {parent} DETACH PARTITION {partition} {how}");
        connection
            .execute("SET statement_timeout = '60s'; SET lock_timeout = '60s'")
            .await?;
        connection.execute(statement.as_str()).await?;
        connection
            .execute("RESET statement_timeout; RESET lock_timeout")
            .await?;
    }
    // Once more, now that nobody can add to it.
    if archived_table.is_log() {
        expect_same(connection, month, parts).await?;
    }
    connection
        .execute(format!("DROP TABLE {}", month.partition).as_str())
        .await?;
    Ok(())
}
