//! What runs without a request.
//!
//! Each worker holds a lease, so that one node at a time does its work; what it does is safe to do twice all the same.

pub mod anomalies;
pub mod archive;
pub mod backup;
mod checkpoints;
mod expiry;
pub mod license_counts;
pub mod mail;
mod metrics;
mod relay;
pub mod search;
mod seats;
mod upkeep;
pub mod webhooks;

use std::{sync::Arc, time::Duration};

use licet_commands::Platform;
use licet_event_store::{Keyring, StoreError, supervise};
use licet_projections::{Reader, nodes::leases, status};
use tokio::{sync::watch, task::JoinSet};

pub use relay::{NatsSettings, begin_epoch};

use archive::Retention;
use mail::{MailSettings, Mailer};
use webhooks::Sender;

/// The consumers of the log that every installation has.
pub const CONSUMERS: [&str; 3] = ["anomalies", "license_counts", "search"];

/// How soon after one turn the next may follow where the log has news all the time.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// What every worker needs.
#[derive(Clone)]
pub struct Worker {
    /// The platform.
    pub platform: Arc<Platform>,
    /// Reads the read models.
    pub reader: Reader,
    /// Names this node in leases.
    pub node: uuid::Uuid,
    /// Turns true when the node ends.
    pub ending: watch::Receiver<bool>,
}

/// Where workers reach out to.
pub struct Endpoints {
    /// Delivers to webhooks.
    pub sender: Sender,
    /// How mail is sent; none is sent without.
    pub mail: Option<MailSettings>,
    /// When months leave for the archive.
    pub retention: Retention,
    /// Where backups go, and when; none are made without.
    pub backups: Option<(backup::BackupSettings, backup::BackupSchedule)>,
}

/// Why a turn of a worker failed; the next turn tries again.
#[derive(Debug, thiserror::Error)]
#[error("{what} failed")]
pub struct WorkerError {
    what: &'static str,
    #[source]
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl WorkerError {
    fn of(what: &'static str) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> Self {
        move |cause| Self { what, cause }
    }
}

/// How far all of these read models know the log.
async fn position_of(platform: &Platform, models: &[&str]) -> Result<i64, WorkerError> {
    let all = status(&platform.log).await;
    let all = all.map_err(|error| WorkerError::of("asking how far the read models are")(error.into()))?;
    let asked = all.iter().filter(|one| models.contains(&one.name));
    Ok(asked.map(|one| one.position).min().unwrap_or(0))
}

/// Starts every worker. Fails only where a setting makes no sense.
pub fn spawn_all(
    worker: &Worker,
    keyring: &Keyring,
    outside: &Endpoints,
    tasks: &mut JoinSet<()>,
) -> Result<(), WorkerError> {
    metrics::begin();
    if worker.platform.log.archive().is_some() {
        let (keyring, retention) = (keyring.clone(), outside.retention);
        worker.begin(tasks, "worker/archive", move |one| {
            let keyring = keyring.clone();
            async move {
                one.repeat("worker/archive", Duration::from_secs(60), || async {
                    let archived = archive::turn(&one.platform, &keyring, retention, |_, _| {}).await;
                    archived.map(|_| ())
                })
                .await;
            }
        });
    } else {
        tracing::info!("no ARCHIVE_DIR is set: every month of the log stays online");
    }
    match &outside.backups {
        Some((settings, schedule)) => backup::begin(worker, tasks, settings.clone(), *schedule),
        None => tracing::warn!("no BACKUP_STORE is set: this server makes no backups by itself"),
    }
    let keyring = keyring.clone();
    worker.begin(tasks, "worker/checkpoints", move |one| {
        let keyring = keyring.clone();
        async move {
            let sign = || checkpoints::sign(&one.platform, &keyring);
            one.repeat("worker/checkpoints", Duration::from_secs(60), sign).await;
            // The log's last word before the end.
            if let Err(error) = sign().await {
                tracing::warn!(%error, "the last checkpoint was not signed");
            }
        }
    });
    worker.begin(tasks, "worker/expiry", async |one| {
        let sweep = || expiry::sweep(&one.platform);
        one.repeat("worker/expiry", Duration::from_secs(30), sweep).await;
    });
    worker.begin(tasks, "worker/search", async |one| {
        one.follow("worker/search/2", || search::turn(&one.platform)).await;
    });
    worker.begin(tasks, "worker/license_counts", async |one| {
        one.follow("worker/license_counts", || license_counts::turn(&one.platform))
            .await;
    });
    worker.begin(tasks, "worker/seats", async |one| {
        let sweep = || seats::sweep(&one.platform);
        one.repeat("worker/seats", Duration::from_secs(15), sweep).await;
    });
    worker.begin(tasks, "worker/upkeep", async |one| {
        let run = || upkeep::run(&one);
        one.repeat("worker/upkeep", Duration::from_secs(3600), run).await;
    });
    worker.begin(tasks, "worker/anomalies", async |one| {
        let review_queue = tokio::sync::Mutex::new(anomalies::ReviewQueue::default());
        one.repeat("worker/anomalies", Duration::from_secs(30), || async {
            anomalies::turn(&one.platform, &mut *review_queue.lock().await).await
        })
        .await;
    });
    let sender = outside.sender.clone();
    worker.begin(tasks, "worker/webhooks", move |one| {
        let sender = sender.clone();
        async move {
            let running = webhooks::Running::default();
            one.follow("worker/webhooks", || webhooks::turn(&one, &sender, &running))
                .await;
            running.finish().await;
        }
    });
    if let Some(settings) = &outside.mail {
        let mailer = Arc::new(Mailer::new(settings)?);
        worker.begin(tasks, "worker/mail", move |one| {
            let mailer = mailer.clone();
            async move {
                one.repeat("worker/mail", Duration::from_secs(10), || mail::turn(&one, &mailer))
                    .await;
            }
        });
    }
    Ok(())
}

/// Starts what binds this node to NATS: news from it, and for nodes that publish, publishing while they hold the lease.
pub async fn spawn_relay(
    worker: &Worker,
    nats: &NatsSettings,
    publishes: bool,
    tasks: &mut JoinSet<()>,
) -> Result<(), WorkerError> {
    let (client, replicas) = (relay::connect(nats).await?, nats.replicas);
    let news = client.clone();
    worker.begin(tasks, "worker/news", move |one| relay::follow(one, news.clone()));
    if publishes {
        worker.begin(tasks, "worker/relay", move |one| {
            relay::publish(one, client.clone(), replicas)
        });
    }
    Ok(())
}

/// For how long it is tried to note something.
const RETRY_DEADLINE: Duration = Duration::from_secs(600);
/// The longest between two tries to note something.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl Worker {
    /// Begins a worker that is begun again where it panics.
    fn begin<W, F>(&self, tasks: &mut JoinSet<()>, name: &'static str, work: W)
    where
        W: Fn(Self) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (one, ending) = (self.clone(), self.ending.clone());
        tasks.spawn(async move { supervise(name, ending, || work(one.clone())).await });
    }

    /// Writes down what was done outside: it must not be forgotten, and done again, because the database was away for some
    /// minutes. It is tried for ten of them, unless the node ends.
    async fn note<T, F>(&self, write: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let (began, mut pause) = (tokio::time::Instant::now(), Duration::from_millis(250));
        loop {
            match write().await {
                Err(error) if *self.ending.borrow() || began.elapsed() > RETRY_DEADLINE => return Err(error),
                Err(error) => tracing::warn!(%error, "what was done could not be noted yet"),
                noted => return noted,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Does something at intervals until the node ends, while this node holds the lease. The first turn is soon after
    /// the start, so that a server that slept makes up for it.
    async fn repeat<F>(&self, lease: &str, every: Duration, turn: impl Fn() -> F)
    where
        F: Future<Output = Result<(), WorkerError>>,
    {
        let mut ending = self.ending.clone();
        let mut pause = Duration::from_secs(1);
        loop {
            let ended = tokio::time::timeout(pause, ending.wait_for(|ending| *ending))
                .await
                .is_ok();
            if ended {
                break;
            }
            pause = every;
            // Whoever has it keeps it from turn to turn, and what it remembers with it.
            let time = leases::LEASE + every.min(Duration::from_secs(60));
            match leases::hold(self.platform.log.pool(), lease, self.node, time).await {
                Ok(true) => {
                    if let Err(error) = turn().await {
                        let cause = std::error::Error::source(&error).map(ToString::to_string);
                        tracing::error!(%error, cause, lease, "a worker failed; it tries again");
                    }
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, lease, "a lease could not be asked for"),
            }
        }
        let _ = leases::release(self.platform.log.pool(), lease, self.node).await;
    }

    /// Does something whenever the log has news, and at least once a second, while this node holds the lease. A turn
    /// answers whether there is more to do at once; under load it is [`MIN_INTERVAL`] that sets the beat.
    async fn follow<F>(&self, lease: &str, turn: impl Fn() -> F)
    where
        F: Future<Output = Result<bool, WorkerError>>,
    {
        let (mut ending, mut head) = (self.ending.clone(), self.platform.log.head());
        let pool = self.platform.log.pool();
        while !*ending.borrow() {
            let started = tokio::time::Instant::now();
            let mut pause = Duration::from_secs(1);
            match leases::hold(pool, lease, self.node, leases::LEASE).await {
                Ok(true) => match turn().await {
                    Ok(true) => pause = Duration::ZERO,
                    Ok(false) => {}
                    Err(error) => {
                        let cause = std::error::Error::source(&error).map(ToString::to_string);
                        tracing::error!(%error, cause, lease, "a worker failed; it tries again");
                    }
                },
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, lease, "a lease could not be asked for"),
            }
            tokio::select! {
                _ = ending.wait_for(|ending| *ending) => {}
                () = async {
                    let _ = tokio::time::timeout(pause, head.changed()).await;
                    if !pause.is_zero() {
                        tokio::time::sleep_until(started + MIN_INTERVAL).await;
                    }
                } => {}
            }
        }
        let _ = leases::release(pool, lease, self.node).await;
    }
}
