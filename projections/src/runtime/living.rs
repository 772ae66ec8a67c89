//! Keeps the read models up with the log.
//!
//! One reading of the log feeds every projector that is equally far, in one transaction; those that were apart meet again
//! at the head. Whoever fails is left behind with its error, and tries again by itself.

use std::time::Duration;

use licet_event_store::{EventLog, supervise, traces};
use opentelemetry::KeyValue;
use sqlx::Connection as _;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};
use uuid::Uuid;

use super::{ProjectionError, Projector, fold, projector_set::ProjectorSet};
use crate::{Reader, metrics};

/// How a node runs its projectors.
#[derive(Clone)]
pub struct RunnerSettings {
    /// The log.
    pub log: EventLog,
    /// Who waits for a position here makes the projectors hurry.
    pub reader: Reader,
    /// Names this node in leases.
    pub node: Uuid,
    /// Turns true when the node ends.
    pub ending: watch::Receiver<bool>,
}

/// The most events in one transaction.
const BATCH: i64 = 5_000;
/// How long to wait for more after the first event: what comes in a burst is written once.
const COALESCE: Duration = Duration::from_millis(10);
/// The pace while few events come.
const MIN_INTERVAL: Duration = Duration::from_millis(40);
/// The pace while [`MANY`] come with each batch and nobody waits for them: rows that are touched again and again are
/// written once.
const MIN_INTERVAL_OF_MANY: Duration = Duration::from_millis(500);
const MANY: i64 = 16;
/// The net below the notifications.
const POLL: Duration = Duration::from_secs(1);

/// Runs the projectors whose leases this node holds, until the node ends.
pub async fn run(settings: RunnerSettings) {
    metrics::begin();
    let ending = settings.ending.clone();
    supervise("projectors", ending, || drive(settings.clone())).await;
}

async fn drive(settings: RunnerSettings) {
    let (mut head, mut ending) = (settings.log.head(), settings.ending.clone());
    let mut projector_set = ProjectorSet::new(settings.clone());
    let mut not_before = Instant::now();
    while !*ending.borrow() {
        let started = Instant::now();
        match projector_set.advance_all().await {
            Ok(FoldOutcome::Full) => continue,
            Ok(FoldOutcome::Many) => not_before = started + MIN_INTERVAL_OF_MANY,
            Ok(FoldOutcome::Few) => not_before = started + MIN_INTERVAL,
            Ok(FoldOutcome::Idle) => {}
            Err(error) => {
                tracing::warn!(%error, "the projectors could not be driven; trying again");
                not_before = started + POLL;
            }
        }
        let next = async {
            // A second without news is time to look, too.
            let _ = timeout(POLL, head.changed()).await;
            sleep_until(not_before).await;
        };
        tokio::select! {
            // A sender that is gone ends the node too.
            _ = ending.wait_for(|ending| *ending) => break,
            () = settings.reader.waited_for() => {}
            () = next => {}
        }
        sleep(COALESCE).await;
    }
    projector_set.release().await;
}

/// What a turn did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FoldOutcome {
    /// There was nothing to fold.
    Idle,
    /// It came as far as the head was, with few events.
    Few,
    /// The same with [`MANY`].
    Many,
    /// There is more to fold at once.
    Full,
}

/// Rows and checkpoints in one transaction: exactly once in effect, whoever else believes to hold a lease.
pub(super) async fn batch(
    settings: &RunnerSettings,
    position: i64,
    group: &[&'static dyn Projector],
) -> Result<FoldOutcome, ProjectionError> {
    let began = Instant::now();
    let mut connection = settings.log.pool().acquire().await?;
    let mut transaction = connection.begin().await?;
    let names: Vec<String> = group.iter().map(|projector| projector.name().to_owned()).collect();
    // A comparison, a rebuild or another node may have one in its hands, or have moved it on since it was looked at: the
    // others do not wait, and it is met again where it is then.
    let here = sqlx::query_scalar!(
        "SELECT name FROM projector_checkpoints WHERE name = ANY($1) AND position = $2 ORDER BY name FOR UPDATE SKIP LOCKED",
        &names,
        position,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let group: Vec<&dyn Projector> = group
        .iter()
        .filter(|projector| here.iter().any(|name| name == projector.name()))
        .map(|projector| *projector as &dyn Projector)
        .collect();
    if group.is_empty() {
        return Ok(FoldOutcome::Idle);
    }
    // In a statement of its own, after the lock.
    let head = sqlx::query_scalar!("SELECT position FROM log_head")
        .fetch_one(&mut *transaction)
        .await?;
    let until = head.min(position + BATCH).max(position);
    if until > position {
        let stretch = (position, until);
        fold(&group, &settings.log, &mut transaction, stretch, &|_, _| {}).await?;
    }
    sqlx::query!(
        r#"UPDATE projector_checkpoints SET position = $2, stopped_by = NULL,
               recorded_at = coalesce((SELECT recorded_at FROM events WHERE position <= $2 ORDER BY position DESC LIMIT 1), recorded_at)
           WHERE name = ANY($1)"#,
        &here,
        until,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    if traces::enabled() {
        // What is folded is folded, whether it can be told or not.
        if let Err(error) = trace(&settings.log, (position, until), began.elapsed(), &here).await {
            tracing::warn!(%error, "what was folded could not be traced");
        }
    }
    Ok(match until - position {
        BATCH => FoldOutcome::Full,
        MANY.. => FoldOutcome::Many,
        _ => FoldOutcome::Few,
    })
}

/// Tells what of these events' causes is traced that they are in these read models now.
async fn trace(log: &EventLog, (after, until): (i64, i64), took: Duration, names: &[String]) -> sqlx::Result<()> {
    let causes = sqlx::query_scalar!(
        r#"SELECT (metadata->>'correlation_id')::uuid AS "cause!" FROM events WHERE position > $1 AND position <= $2
           UNION SELECT (metadata->>'correlation_id')::uuid FROM heartbeat_events WHERE position > $1 AND position <= $2
           UNION SELECT (metadata->>'correlation_id')::uuid FROM decision_events WHERE position > $1 AND position <= $2"#,
        after,
        until,
    )
    .fetch_all(log.pool())
    .await?;
    for cause in causes.into_iter().filter(|cause| traces::is_traced(*cause)) {
        let attributes = vec![KeyValue::new("licet.projectors", names.join(" "))];
        traces::step(cause, "project", took, false, attributes);
    }
    Ok(())
}
