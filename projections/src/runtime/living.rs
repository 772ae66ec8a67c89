//! Keeps one read model up with the log.

use std::{sync::Arc, time::Duration};

use licet_event_store::{Edge, EventLog, leases};
use sqlx::Connection as _;
use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

use super::{ProjectionError, Projector, fold, rebuild};
use crate::metrics::METRICS;

/// How a node runs its projectors.
#[derive(Clone)]
pub struct RunnerSettings {
    /// The log.
    pub log: EventLog,
    /// For the lag in seconds.
    pub edge: Edge,
    /// Names this node in leases.
    pub node: Uuid,
    /// Turns true when the node ends.
    pub ending: watch::Receiver<bool>,
}

/// The most events in one transaction.
const BATCH: i64 = 5_000;
/// How long to wait for more before a batch is folded: what comes in a burst is written once.
const COALESCE: Duration = Duration::from_millis(40);
/// How often the lease is renewed: well within the time for which it is held.
const RENEW: Duration = Duration::from_millis(1_500);
/// The net below the notifications.
const POLL: Duration = Duration::from_secs(1);

/// Runs one projector until the node ends, while this node holds its lease.
pub async fn run(projector: &'static dyn Projector, settings: RunnerSettings) {
    let lease = format!("projector/{}", projector.name());
    let (mut head, mut ending) = (settings.log.head(), settings.ending.clone());
    let mut held_since: Option<Instant> = None;
    while !*ending.borrow() {
        let pause = match turn(projector, &settings, &lease, &mut held_since).await {
            Ok(true) => COALESCE,
            Ok(false) => Duration::ZERO,
            Err(error) => {
                stop_loudly(projector, &settings, &error).await;
                Duration::from_secs(2)
            }
        };
        tokio::select! {
            () = ended(&mut ending) => break,
            () = tokio::time::sleep(pause) => {}
        }
        if pause == Duration::ZERO {
            tokio::select! {
                () = ended(&mut ending) => break,
                _ = tokio::time::timeout(POLL, head.changed()) => tokio::time::sleep(COALESCE).await,
            }
        }
    }
    let _ = leases::release(settings.log.pool(), &lease, settings.node).await;
}

async fn ended(ending: &mut watch::Receiver<bool>) {
    // A sender that is gone ends the node too.
    let _ = ending.wait_for(|ending| *ending).await;
}

/// One batch; `true` when there may be more at once.
async fn turn(
    projector: &dyn Projector,
    settings: &RunnerSettings,
    lease: &str,
    held_since: &mut Option<Instant>,
) -> Result<bool, ProjectionError> {
    let pool = settings.log.pool();
    if held_since.is_none_or(|since| since.elapsed() > RENEW) {
        *held_since = None;
        if !leases::hold(pool, lease, settings.node).await? {
            return Ok(false);
        }
        *held_since = Some(Instant::now());
    }
    let checkpoint = sqlx::query!(
        "SELECT version, position FROM projector_checkpoints WHERE name = $1",
        projector.name()
    )
    .fetch_optional(pool)
    .await?;
    match checkpoint {
        Some(checkpoint) if checkpoint.version == projector.version() => {}
        // An older program beside a newer one, in a rolling upgrade, leaves the read model to the newer.
        Some(checkpoint) if checkpoint.version > projector.version() => return Ok(false),
        Some(_) => {
            tracing::info!(
                projector = projector.name(),
                "the projector's version has changed; rebuilding"
            );
            rebuild(projector, &settings.log, &|_, _| {}).await?;
            return Ok(true);
        }
        None => {
            sqlx::query!(
                "INSERT INTO projector_checkpoints (name, version, position, recorded_at) VALUES ($1, $2, 0, 'epoch') ON CONFLICT DO NOTHING",
                projector.name(),
                projector.version(),
            )
            .execute(pool)
            .await?;
        }
    }
    let (position, head) = batch(projector, settings).await?;
    Ok(position < head)
}

/// Rows and checkpoint in one transaction: exactly once in effect, whoever else believes to hold the lease.
async fn batch(projector: &dyn Projector, settings: &RunnerSettings) -> Result<(i64, i64), ProjectionError> {
    let pool = settings.log.pool();
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    let checkpoint = sqlx::query!(
        "SELECT position, recorded_at FROM projector_checkpoints WHERE name = $1 FOR UPDATE",
        projector.name(),
    )
    .fetch_one(&mut *transaction)
    .await?;
    // In a statement of its own, after the lock: a rebuild may just have moved the checkpoint on.
    let head = sqlx::query_scalar!("SELECT position FROM log_head")
        .fetch_one(&mut *transaction)
        .await?;
    let until = head.min(checkpoint.position + BATCH).max(checkpoint.position);
    if until > checkpoint.position {
        fold(
            projector,
            &settings.log,
            &mut transaction,
            (checkpoint.position, until),
            &|_, _| {},
        )
        .await?;
    }
    let recorded_at = sqlx::query_scalar!(
        r#"UPDATE projector_checkpoints SET position = $2, stopped_by = NULL,
               recorded_at = coalesce((SELECT recorded_at FROM events WHERE position <= $2 ORDER BY position DESC LIMIT 1), recorded_at)
           WHERE name = $1 AND (position <> $2 OR stopped_by IS NOT NULL) RETURNING recorded_at"#,
        projector.name(),
        until,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let behind = head - until;
    let since = recorded_at.unwrap_or(checkpoint.recorded_at);
    let now: time::OffsetDateTime = settings.edge.now().into();
    let seconds = if behind == 0 {
        0.0
    } else {
        (now - since).as_seconds_f64().max(0.0)
    };
    METRICS.lag(projector.name(), behind, seconds);
    Ok((until, head))
}

/// Says why, where people and probes look; the next turn tries again, in case the cause was mended.
async fn stop_loudly(projector: &dyn Projector, settings: &RunnerSettings, error: &ProjectionError) {
    let cause: Arc<str> = describe(error).into();
    tracing::error!(projector = projector.name(), cause = &*cause, "a projector has stopped");
    METRICS.stopped(projector.name());
    let noted = sqlx::query!(
        "UPDATE projector_checkpoints SET stopped_by = $2 WHERE name = $1",
        projector.name(),
        &*cause
    )
    .execute(settings.log.pool())
    .await;
    if let Err(error) = noted {
        tracing::warn!(%error, "the stop could not be noted");
    }
}

fn describe(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", describe(cause)),
        None => error.to_string(),
    }
}
