//! What waits to be done, on whichever node: what monitoring is told of, asked of the database each time.

use std::time::{Duration, Instant};

use licet_event_store::EventLog;

use crate::{ProjectionError, runtime::status};

/// More than so many are not counted.
const MOST: i64 = 100_000;

/// What waits, in the whole installation.
#[derive(Debug, Clone)]
pub struct Backlog {
    /// The log's head.
    pub head: i64,
    /// The database's clock, in seconds since 1970.
    pub clock: f64,
    /// When it was read.
    pub clock_read: Instant,
    /// Every projector.
    pub projectors: Vec<Waiting>,
    /// Consumers with effects outside that were asked for; one that has never begun has seen nothing.
    pub consumers: Vec<Waiting>,
    /// Deliveries to webhooks that have not succeeded yet.
    pub deliveries: i64,
    /// Mails that were not sent yet.
    pub mails: i64,
    /// Sessions of operators that were used within the last quarter of an hour.
    pub sessions: i64,
}

/// Who follows the log, and how far behind it is.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its name.
    pub name: String,
    /// Events that it has not seen.
    pub events: i64,
    /// How old the oldest of these is: who stands still grows old by itself.
    pub age: Duration,
    /// Whether it has given up until the cause is mended.
    pub stopped: bool,
}

/// Looks at everything. `consumers` are named by what stands before the `/` in their names.
pub async fn backlog(log: &EventLog, consumers: &[&str]) -> Result<Backlog, ProjectionError> {
    let mut projectors = Vec::new();
    for projector in status(log).await? {
        projectors.push(Waiting {
            name: projector.name.to_owned(),
            events: (projector.head - projector.position).max(0),
            age: age(log, projector.position, projector.head).await?,
            stopped: projector.stopped_by.is_some(),
        });
    }
    let counted = sqlx::query!(
        r#"SELECT position AS "head!", extract(epoch FROM clock_timestamp())::float8 AS "clock!",
               (SELECT count(*) FROM (SELECT FROM webhook_deliveries WHERE status = 'pending' LIMIT $1) AS waiting) AS "deliveries!",
               (SELECT count(*) FROM (SELECT FROM mails WHERE status = 'pending' LIMIT $1) AS waiting) AS "mails!",
               (SELECT count(*) FROM (SELECT FROM session_use WHERE last_seen_at > clock_timestamp() - interval '15 minutes' LIMIT $1) AS waiting)
                   AS "sessions!"
           FROM log_head"#,
        MOST,
    )
    .fetch_one(log.pool())
    .await?;
    let clock_read = Instant::now();
    let consumers: Vec<String> = consumers.iter().map(|name| (*name).to_owned()).collect();
    let rows = sqlx::query!(
        r#"SELECT asked.name AS "name!", coalesce(max(c.position), 0) AS "position!",
               coalesce(bool_or(c.stopped_by IS NOT NULL), false) AS "stopped!"
           FROM unnest($1::text[]) AS asked(name) LEFT JOIN consumers c ON split_part(c.name, '/', 1) = asked.name
           GROUP BY asked.name"#,
        &consumers,
    )
    .fetch_all(log.pool())
    .await?;
    let mut consumers = Vec::new();
    for row in rows {
        consumers.push(Waiting {
            events: (counted.head - row.position).max(0),
            age: age(log, row.position, counted.head).await?,
            name: row.name,
            stopped: row.stopped,
        });
    }
    Ok(Backlog {
        head: counted.head,
        clock: counted.clock,
        clock_read,
        projectors,
        consumers,
        deliveries: counted.deliveries,
        mails: counted.mails,
        sessions: counted.sessions,
    })
}

/// How old the first event after a position is, whichever table it is in.
async fn age(log: &EventLog, position: i64, head: i64) -> sqlx::Result<Duration> {
    if position >= head {
        return Ok(Duration::ZERO);
    }
    let seconds = sqlx::query_scalar!(
        r#"SELECT extract(epoch FROM clock_timestamp() - least(
               (SELECT recorded_at FROM events WHERE position > $1 ORDER BY position LIMIT 1),
               (SELECT recorded_at FROM heartbeat_events WHERE position > $1 ORDER BY position LIMIT 1),
               (SELECT recorded_at FROM decision_events WHERE position > $1 ORDER BY position LIMIT 1)))::float8"#,
        position,
    )
    .fetch_one(log.pool())
    .await?;
    Ok(Duration::try_from_secs_f64(seconds.unwrap_or(0.0)).unwrap_or_default())
}
