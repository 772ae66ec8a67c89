//! What runs without a request.
//!
//! Each worker holds a lease, so that one node at a time does its work; what it does is safe to do twice all the same.

mod checkpoints;
mod expiry;
mod seats;
mod upkeep;

use std::{sync::Arc, time::Duration};

use licet_commands::Platform;
use licet_event_store::{Keyring, leases};
use tokio::{sync::watch, task::JoinSet};

/// What every worker needs.
#[derive(Clone)]
pub struct Worker {
    /// The platform.
    pub platform: Arc<Platform>,
    /// Names this node in leases.
    pub node: uuid::Uuid,
    /// Turns true when the node ends.
    pub ending: watch::Receiver<bool>,
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

/// Starts every worker.
pub fn spawn_all(worker: &Worker, keyring: &Keyring, tasks: &mut JoinSet<()>) {
    let (one, keyring) = (worker.clone(), keyring.clone());
    tasks.spawn(async move {
        one.repeat("worker/checkpoints", Duration::from_secs(60), || {
            checkpoints::sign(&one.platform, &keyring)
        })
        .await;
        // The log's last word before the end.
        if let Err(error) = checkpoints::sign(&one.platform, &keyring).await {
            tracing::warn!(%error, "the last checkpoint was not signed");
        }
    });
    let one = worker.clone();
    tasks.spawn(async move {
        one.repeat("worker/expiry", Duration::from_secs(30), || {
            expiry::sweep(&one.platform)
        })
        .await;
    });
    let one = worker.clone();
    tasks.spawn(async move {
        one.repeat("worker/seats", Duration::from_secs(15), || seats::sweep(&one.platform))
            .await;
    });
    let one = worker.clone();
    tasks.spawn(async move {
        one.repeat("worker/upkeep", Duration::from_secs(3600), || {
            upkeep::run(&one.platform)
        })
        .await;
    });
}

impl Worker {
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
            match leases::hold(self.platform.log.pool(), lease, self.node).await {
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
}
