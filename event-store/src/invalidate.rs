//! Tells the caches of this node what other nodes have recorded.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{PgConnection, postgres::PgConnectOptions};
use tokio::{sync::Notify, task::JoinHandle, time::Instant};
use uuid::Uuid;

use crate::{EventLog, Tenant, session};

/// How long news can take when no notification arrives; half of what the contract allows.
const POLL: Duration = Duration::from_millis(500);

/// How soon after one look at the log the next may follow: under load, news comes in bunches.
const MIN_INTERVAL: Duration = Duration::from_millis(20);
/// For how long a memory is believed that has heard nothing of other nodes.
const TRUST: Duration = Duration::from_secs(3);
/// A connection that answers nothing for so long is as good as broken.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);
/// Rows read at once.
const PAGE_SIZE: i64 = 5_000;

/// When this node last knew what the others have recorded.
pub(crate) struct LastContact {
    since: Instant,
    /// Milliseconds after that; [`NOBODY`] where nobody listens.
    at: AtomicU64,
    forked: Notify,
}

/// Nobody listens: a command that looks once, and ends.
const NOBODY: u64 = u64::MAX;

impl Default for LastContact {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            at: AtomicU64::new(NOBODY),
            forked: Notify::new(),
        }
    }
}

impl LastContact {
    fn now(&self) {
        let millis = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(NOBODY - 1);
        self.at.store(millis, Ordering::Relaxed);
    }
}

impl EventLog {
    /// Whether this node has known within the last seconds what others have recorded. One that is cut off from the
    /// database must not answer from memory: a license could have been revoked long ago.
    pub fn hears_others(&self) -> bool {
        let at = self.heard.at.load(Ordering::Relaxed);
        at == NOBODY || self.heard.since.elapsed() <= Duration::from_millis(at) + TRUST
    }

    /// Waits until the log lacks an event that this node has heard of, as after a restore or a failover that lost events.
    /// Whatever this node remembers may then be wrong, and no news will ever say so.
    pub async fn forked(&self) {
        self.heard.forked.notified().await;
    }

    /// Calls `tell` with tenant, aggregate type, id and sequence of every event recorded from now on, on any node. On a
    /// connection of its own: a revocation must not wait behind reports for one of the pool's.
    pub fn on_news(&self, tell: impl Fn(&Tenant, &str, Uuid, u64) + Send + Sync + 'static) -> JoinHandle<()> {
        let (options, mut head) = (self.pool().connect_options(), self.head());
        let mut seen = Seen {
            position: *head.borrow(),
            last: None,
        };
        let heard = Arc::clone(&self.heard);
        heard.now();
        tokio::spawn(async move {
            let mut connection = None;
            loop {
                let started = Instant::now();
                let read = tokio::time::timeout(
                    CONNECTION_TIMEOUT,
                    read_news(&options, &mut connection, &mut seen, &tell),
                )
                .await;
                let silent = || sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut));
                match read.unwrap_or_else(|_| Err(silent())) {
                    Ok(News::More) => continue,
                    Ok(News::All) => heard.now(),
                    Ok(News::Fork) => {
                        heard.forked.notify_one();
                        return;
                    }
                    Err(error) => {
                        connection = None;
                        tracing::warn!(%error, "news of other nodes could not be read; trying again");
                    }
                }
                let closed = tokio::time::timeout(POLL, head.changed())
                    .await
                    .is_ok_and(|changed| changed.is_err());
                if closed {
                    return;
                }
                tokio::time::sleep_until(started + MIN_INTERVAL).await;
            }
        })
    }
}

/// How far this node has heard.
struct Seen {
    position: i64,
    /// The last event at or before that, with its link of the chain; `None` before it was looked up.
    last: Option<Link>,
}

type Link = (i64, Vec<u8>);

enum News {
    All,
    /// A full page: there may be more.
    More,
    /// The log is not the one that was heard of.
    Fork,
}

async fn read_news(
    options: &PgConnectOptions,
    kept: &mut Option<PgConnection>,
    seen: &mut Seen,
    tell: &(impl Fn(&Tenant, &str, Uuid, u64) + Send + Sync + 'static),
) -> sqlx::Result<News> {
    let connection = match kept {
        Some(connection) => connection,
        None => {
            // Another connection may lead to another primary.
            let mut connection = session::ORDINARY.connect(options).await?;
            let found = last_event(&mut connection, seen).await?;
            if seen.last.as_ref().is_some_and(|last| *last != found) {
                return Ok(News::Fork);
            }
            seen.last = Some(found);
            kept.insert(connection)
        }
    };
    let rows = sqlx::query!(
        r#"SELECT position, tenant_id, aggregate_type, aggregate_id, sequence, chain FROM events WHERE position > $1
           ORDER BY position LIMIT $2"#,
        seen.position,
        PAGE_SIZE,
    )
    .fetch_all(connection)
    .await?;
    if let Some(row) = rows.last() {
        seen.position = row.position;
        seen.last = Some((row.position, row.chain.clone()));
    }
    let news = if rows.len() as i64 == PAGE_SIZE {
        News::More
    } else {
        News::All
    };
    let mut tenant = Tenant::default();
    for row in rows {
        if row.tenant_id != tenant.as_str() {
            tenant = Tenant::new(&row.tenant_id);
        }
        if let Ok(id) = row.aggregate_id.parse() {
            tell(&tenant, &row.aggregate_type, id, row.sequence as u64);
        }
    }
    Ok(news)
}

/// The last event of which this node has heard, as the log has it; position 0 where there is none.
async fn last_event(connection: &mut PgConnection, seen: &Seen) -> sqlx::Result<Link> {
    let last = sqlx::query!(
        "SELECT position, chain FROM events WHERE position <= $1 ORDER BY position DESC LIMIT 1",
        seen.position
    );
    let last = last.fetch_optional(connection).await?;
    Ok(last.map_or_else(Default::default, |row| (row.position, row.chain)))
}
