//! Builds a read model anew beside the living one and swaps them. Readers notice nothing.

use std::time::Duration;

use licet_event_store::{EventLog, ReadError};
use sqlx::{Connection as _, Executor as _};

use super::{Progress, ProjectionError, Projector, Purpose, Scratch, fold};

/// How long to wait before the swap is tried again.
const SWAP_RETRY_DELAY: Duration = Duration::from_secs(2);

/// Rebuilds from the first event; answers how many events were folded. The living one serves meanwhile.
pub async fn rebuild(
    projector: &dyn Projector,
    log: &EventLog,
    progress: Progress<'_>,
) -> Result<u64, ProjectionError> {
    // Two rebuilds of one read model take turns, whoever runs them.
    let mut scratch = Scratch::make(log, &[projector], Purpose::Rebuild).await?;
    let head = log.position().await?;
    let mut events = fold(&[projector], log, &mut scratch.connection, (0, head), progress).await?;
    scratch.make_ready(projector).await?;
    let mut reached = head;
    loop {
        // Most of what came meanwhile is folded before anybody is kept waiting, and stays when the swap does not succeed.
        let until = log.position().await?;
        events += fold(&[projector], log, &mut scratch.connection, (reached, until), progress).await?;
        reached = until;
        match swap(projector, log, &mut scratch, reached, progress).await {
            // Someone reads for long, such as the archive: in the meantime others must not wait behind the swap.
            Err(ProjectionError::Read(ReadError::Database(error))) if is_lock_timeout(&error) => {
                tokio::time::sleep(SWAP_RETRY_DELAY).await;
            }
            swapped => {
                events += swapped?;
                break;
            }
        }
    }
    scratch.connection.close().await?;
    Ok(events)
}

/// Folds what came meanwhile under the checkpoint's lock, which keeps the living projector still for a moment, and puts the
/// new tables in the living ones' place.
async fn swap(
    projector: &dyn Projector,
    log: &EventLog,
    scratch: &mut Scratch,
    head: i64,
    progress: Progress<'_>,
) -> Result<u64, ProjectionError> {
    let mut transaction = scratch.connection.begin().await?;
    sqlx::query!(
        "SELECT position FROM projector_checkpoints WHERE name = $1 FOR UPDATE",
        projector.name()
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let until = log.position().await?;
    let events = fold(&[projector], log, &mut transaction, (head, until), progress).await?;
    transaction.execute("SET LOCAL lock_timeout = '2s'").await?;
    for table in projector.tables() {
        sqlx::query!(
            "SELECT public.swap_read_model($1, $2) IS NULL AS swapped",
            table,
            scratch.schema
        )
        .fetch_one(&mut *transaction)
        .await?;
    }
    let emptied = format!("DROP SCHEMA {} CASCADE", scratch.schema);
    transaction.execute(emptied.as_str()).await?;
    sqlx::query!(
        r#"INSERT INTO projector_checkpoints (name, version, position, recorded_at)
           VALUES ($1, $2, $3, coalesce((SELECT recorded_at FROM events WHERE position <= $3 ORDER BY position DESC LIMIT 1), 'epoch'))
           ON CONFLICT (name) DO UPDATE SET version = excluded.version, position = excluded.position,
               recorded_at = excluded.recorded_at, stopped_by = NULL"#,
        projector.name(),
        projector.version(),
        until,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(events)
}

fn is_lock_timeout(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("55P03")
}
