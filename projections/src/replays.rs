//! Replays that were asked for over the API: run on one node, told of and handed out by any.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use licet_event_store::{AsOf, EventLog, Tenant};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Format, Projector, Replayed, replay};

/// Bytes in one chunk.
const CHUNK: usize = 1 << 20;

/// A replay as it stands.
#[derive(Debug, Clone)]
pub struct ReplayRow {
    /// Its id.
    pub replay_id: Uuid,
    /// The read model.
    pub name: String,
    /// The position up to which history counts.
    pub position: i64,
    /// `parquet` or `csv`.
    pub format: String,
    /// `running`, `done` or `failed`.
    pub status: String,
    /// The position that was reached.
    pub reached: i64,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
}

/// A replay that is to run.
pub struct ReplayOrder {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: Tenant,
    /// The read model.
    pub projector: &'static dyn Projector,
    /// The position up to which history counts.
    pub position: i64,
    /// What kind of files.
    pub format: Format,
}

/// Replays of a tenant that may run at once, over all nodes.
pub const MAX_RUNNING: i64 = 4;

/// Writes down that a replay begins; `false` when too many are running.
pub async fn begin(pool: &PgPool, order: &ReplayOrder) -> sqlx::Result<bool> {
    let begun = sqlx::query!(
        r#"INSERT INTO replays (replay_id, tenant_id, name, position, format)
           SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM replays WHERE tenant_id = $2 AND status = 'running'
               AND touched_at > clock_timestamp() - interval '60 seconds') < $6"#,
        order.id,
        order.tenant.as_str(),
        order.projector.name(),
        order.position,
        order.format.extension(),
        MAX_RUNNING,
    )
    .execute(pool)
    .await?;
    Ok(begun.rows_affected() == 1)
}

/// Runs a replay to its end, telling every second how far it is.
pub async fn run(log: EventLog, order: ReplayOrder, folder: &Path) {
    let pool = log.pool().clone();
    let reached = Arc::new(AtomicI64::new(0));
    let teller = tokio::spawn(tell(pool.clone(), order.id, Arc::clone(&reached)));
    let progress = move |at: i64, _: i64| reached.store(at, Ordering::Relaxed);
    let as_of = AsOf::Position(order.position);
    let whose = Some(&order.tenant);
    let replayed = replay(order.projector, &log, as_of, whose, folder, order.format, &progress).await;
    let kept = match replayed {
        Ok(replayed) => keep(&pool, order.id, &replayed)
            .await
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    teller.abort();
    let (status, error) = match kept {
        Ok(()) => ("done", None),
        Err(error) => ("failed", Some(error)),
    };
    let noted = sqlx::query!(
        "UPDATE replays SET status = $2, error = $3, reached = CASE WHEN $2 = 'done' THEN position ELSE reached END WHERE replay_id = $1",
        order.id,
        status,
        error,
    )
    .execute(&pool)
    .await;
    if let Err(error) = noted {
        tracing::warn!(%error, "a replay's end could not be noted");
    }
}

async fn tell(pool: PgPool, id: Uuid, reached: Arc<AtomicI64>) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let at = reached.load(Ordering::Relaxed);
        let told = sqlx::query!(
            "UPDATE replays SET reached = $2, touched_at = clock_timestamp() WHERE replay_id = $1",
            id,
            at,
        )
        .execute(&pool)
        .await;
        if let Err(error) = told {
            tracing::debug!(%error, "a replay's progress could not be told");
        }
    }
}

async fn keep(pool: &PgPool, id: Uuid, replayed: &Replayed) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    use tokio::io::AsyncReadExt as _;
    for file in &replayed.files {
        let mut reader = tokio::fs::File::open(&file.file).await?;
        for number in 0.. {
            let mut bytes = Vec::with_capacity(CHUNK);
            (&mut reader).take(CHUNK as u64).read_to_end(&mut bytes).await?;
            if bytes.is_empty() && number > 0 {
                break;
            }
            let number: i32 = number;
            sqlx::query!(
                "INSERT INTO replay_chunks (replay_id, table_name, number, bytes) VALUES ($1, $2, $3, $4)",
                id,
                file.table,
                number,
                &bytes[..],
            )
            .execute(pool)
            .await?;
        }
    }
    Ok(())
}

/// A replay; one whose node has died counts as failed.
pub async fn find(pool: &PgPool, tenant: &Tenant, id: Uuid) -> sqlx::Result<Option<ReplayRow>> {
    sqlx::query!(
        r#"UPDATE replays SET status = 'failed', error = 'the node that ran it has ended; ask again'
           WHERE replay_id = $1 AND status = 'running' AND touched_at < clock_timestamp() - interval '60 seconds'"#,
        id,
    )
    .execute(pool)
    .await?;
    sqlx::query_as!(
        ReplayRow,
        r#"SELECT replay_id, name, position, format, status, reached, error, created_at FROM replays
           WHERE tenant_id = $1 AND replay_id = $2"#,
        tenant.as_str(),
        id,
    )
    .fetch_optional(pool)
    .await
}

/// A replay's files: table and size.
pub async fn files(pool: &PgPool, id: Uuid) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT table_name, sum(length(bytes))::bigint AS "bytes!" FROM replay_chunks WHERE replay_id = $1
           GROUP BY table_name ORDER BY table_name"#,
        id,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.table_name, row.bytes)).collect())
}

/// One chunk of a file; `None` beyond its end.
pub async fn chunk(pool: &PgPool, id: Uuid, table: &str, number: i32) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        "SELECT bytes FROM replay_chunks WHERE replay_id = $1 AND table_name = $2 AND number = $3",
        id,
        table,
        number,
    )
    .fetch_optional(pool)
    .await
}

/// Forgets replays of the day before.
pub async fn sweep(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM replays WHERE created_at < clock_timestamp() - interval '1 day'")
        .execute(pool)
        .await?;
    Ok(())
}
