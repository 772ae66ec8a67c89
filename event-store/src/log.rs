//! The handle on one log. Nothing assumes that there is one log in the world.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;
use sqlx::{
    PgConnection, PgPool,
    postgres::{PgConnectOptions, PgListener},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

use uuid::Uuid;

use crate::{
    append::LogConnection,
    appender::{Appender, OnSettled, Outcome, Ticket},
    invalidate::LastContact,
    metrics::METRICS,
    session::{self, connect_options},
    speculative_chain::SpeculativeChain,
    submission::{AppendError, Appended, Submission},
};

/// How a log is opened.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// Connections for what machines ask and operators change; the appender and the listener have one each beside them.
    pub connections: u32,
    /// Connections for lists and reports, so that these never keep machines waiting.
    pub report_connections: u32,
    /// How many submissions may wait; one more is refused with [`AppendError::Overloaded`].
    pub queue: usize,
    /// The folder of the archive, the same for every node; without one, every month stays online.
    pub archive: Option<PathBuf>,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            connections: 12,
            report_connections: 4,
            queue: 8_192,
            archive: None,
        }
    }
}

/// A log: clones share the appender, the pool and the wake-up.
#[derive(Clone)]
pub struct EventLog {
    pool: PgPool,
    reports: PgPool,
    clients: mpsc::Sender<Ticket>,
    bulk: mpsc::Sender<Ticket>,
    head: watch::Receiver<i64>,
    news: watch::Sender<i64>,
    pub(crate) heard: Arc<LastContact>,
    archive: Option<Arc<Path>>,
}

/// Ends a log in order: what was queued is written first.
pub struct LogTasks {
    pools: [PgPool; 2],
    appender: JoinHandle<()>,
    listener: JoinHandle<()>,
}

impl LogTasks {
    /// Waits for the appender, once every [`EventLog`] clone is gone, and ends the listener and the connections.
    pub async fn finish(self) {
        let _ = self.appender.await;
        self.listener.abort();
        for pool in self.pools {
            pool.close().await;
        }
    }
}

impl EventLog {
    /// Connects to a migrated database and starts the appender and the listener.
    pub async fn open(url: &str, settings: &LogOptions) -> sqlx::Result<(Self, LogTasks)> {
        let options = connect_options(url)?;
        session::expect_sessions(&options).await?;
        let pool = session::ORDINARY.pool(options.clone(), settings.connections);
        let reports = session::READING.pool(
            options.clone().application_name("licet reports"),
            settings.report_connections,
        );
        let position = sqlx::query_scalar!("SELECT position FROM log_head")
            .fetch_one(&pool)
            .await?;
        let (clients, clients_end) = mpsc::channel(settings.queue);
        let (bulk, bulk_end) = mpsc::channel(settings.queue);
        let (head_sender, head) = watch::channel(position);
        let listener = tokio::spawn(listen(options.clone(), head_sender.clone()));
        let appender = Appender {
            clients: clients_end,
            bulk: bulk_end,
            connection: LogConnection::new(options.clone(), head_sender.clone()),
        };
        let appender = tokio::spawn(appender.run());
        Ok((
            Self {
                pool: pool.clone(),
                reports: reports.clone(),
                clients,
                bulk,
                head,
                news: head_sender,
                heard: Arc::default(),
                archive: settings.archive.as_deref().map(Into::into),
            },
            LogTasks {
                pools: [pool, reports],
                appender,
                listener,
            },
        ))
    }

    /// Hands a submission in and waits until it is durable or refused.
    pub async fn append(&self, submission: Submission) -> Outcome {
        self.enqueue(submission, None)?.await
    }

    /// Hands in a submission of a bulk run: waits for room, and clients go first.
    pub async fn append_bulk(&self, submission: Submission) -> Outcome {
        let (reply, answer) = oneshot::channel();
        let ticket = Ticket {
            submission,
            speculative_chain: None,
            on_settled: None,
            queued: Instant::now(),
            reply,
        };
        self.bulk.send(ticket).await.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Queues a submission at once, in the order of the calls; the future waits for the outcome. `decided` is the line that
    /// it continues, and what runs even when the future is dropped.
    pub(crate) fn enqueue(
        &self,
        submission: Submission,
        decided: Option<(SpeculativeChain, OnSettled)>,
    ) -> Result<BoxFuture<'static, Outcome>, AppendError> {
        let (reply, answer) = oneshot::channel();
        let (speculative_chain, on_settled) = decided.unzip();
        self.clients
            .try_send(Ticket {
                submission,
                speculative_chain,
                on_settled,
                queued: Instant::now(),
                reply,
            })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => {
                    METRICS.refused(&AppendError::Overloaded);
                    AppendError::Overloaded
                }
                mpsc::error::TrySendError::Closed(_) => stopped(),
            })?;
        Ok(Box::pin(async move {
            answer.await.unwrap_or_else(|_| Err(stopped())) as Result<Appended, AppendError>
        }))
    }

    /// How many submissions of clients wait to be written, and how many may.
    pub fn queue(&self) -> (usize, usize) {
        let limit = self.clients.max_capacity();
        (limit - self.clients.capacity(), limit)
    }

    /// For queries of this crate and of the projections.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// For lists and reports: statements are planned for what is asked, and end when they take too long.
    pub fn report_pool(&self) -> &PgPool {
        &self.reports
    }

    /// The folder of the archive.
    pub fn archive(&self) -> Option<&Path> {
        self.archive.as_deref()
    }

    /// A connection of one's own, for work that changes its settings.
    pub async fn connect(&self) -> sqlx::Result<PgConnection> {
        session::ORDINARY.connect(&self.pool.connect_options()).await
    }

    /// Tells when the head moves, on whichever node; polling is the net below.
    pub fn head(&self) -> watch::Receiver<i64> {
        self.head.clone()
    }

    /// News of the head from elsewhere, such as NATS: wakes whoever waits for it.
    pub fn heard_of(&self, position: i64) {
        self.news.send_if_modified(|head| {
            let moved = position > *head;
            *head = position.max(*head);
            moved
        });
    }

    /// Which log this is, from the database; a restore to an earlier position starts another.
    pub async fn log_id(&self) -> sqlx::Result<Uuid> {
        sqlx::query_scalar!("SELECT log_id FROM log_head")
            .fetch_one(&self.pool)
            .await
    }

    /// Waits until the database's standbys have all that was read so far: what leaves the platform must survive a failover.
    /// At once where it has none to wait for.
    pub async fn await_quorum(&self) -> sqlx::Result<()> {
        session::await_quorum(&self.pool).await
    }

    /// The head's position, from the database.
    pub async fn position(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar!("SELECT position FROM log_head")
            .fetch_one(&self.pool)
            .await
    }
}

fn stopped() -> AppendError {
    AppendError::Unavailable("the log is shutting down".to_owned())
}

/// Hears of other nodes' appends. On a connection of its own: notifications do not pass through poolers.
async fn listen(options: PgConnectOptions, head: watch::Sender<i64>) {
    loop {
        if let Err(error) = listen_once(&options, &head).await {
            tracing::warn!(%error, "the log's listener lost its connection; connecting again");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn listen_once(options: &PgConnectOptions, head: &watch::Sender<i64>) -> sqlx::Result<()> {
    let pool = session::ORDINARY.pool(options.clone().application_name("licet listener"), 1);
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen("licet_log").await?;
    loop {
        let notification = listener.recv().await?;
        if let Ok(position) = notification.payload().parse::<i64>() {
            head.send_if_modified(|head| {
                let moved = position > *head;
                *head = position.max(*head);
                moved
            });
        }
    }
}
