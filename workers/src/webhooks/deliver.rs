//! One target's deliveries, one after the other.

use std::time::Duration;

use futures::TryStreamExt as _;
use licet_commands::{CommandError, Context, Platform};
use licet_domain::webhook::{LiveWebhook, Webhook};
use licet_event_store::{LogTable, RecordedEvent, StoreError, Tenant, epochs::Epochs, vault::Purpose};
use licet_projections::queues::deliveries::{self, DueDelivery, Outcome, TAKEN_SECONDS};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Sender, Sent, as_recorded, database};
use crate::{Worker, WorkerError, metrics::METRICS, relay::envelope};

/// Deliveries taken at once: even a slow target has answered all of them within the time for which they are taken.
const BATCH_SIZE: i64 = 15;
/// For how long one target is delivered to before others get its place.
const SHIFT: Duration = Duration::from_secs(60);

/// Delivers what is due to one target in the order of the log, until nothing is, or it fails, or the node ends.
pub(super) async fn all(worker: &Worker, sender: &Sender, tenant: &Tenant, id: Uuid) -> Result<(), WorkerError> {
    let platform = &worker.platform;
    let pool = platform.log.pool();
    let began = Instant::now();
    while began.elapsed() < SHIFT {
        // Where it is now, and whether it is there still.
        let Some(webhook) = as_recorded(platform, tenant, id).await? else {
            return Ok(());
        };
        let taken = deliveries::take_due(pool, id, BATCH_SIZE).await;
        let mut queue = taken.map_err(database("reading the queue of webhooks"))?.into_iter();
        if queue.len() == 0 {
            return Ok(());
        }
        let epochs = Epochs::read(pool).await.map_err(database("reading the log"))?;
        let (taken_at, mut goes_on) = (Instant::now(), true);
        while goes_on && let Some(delivery) = queue.next() {
            goes_on = deliver(worker, sender, &epochs, &delivery, &webhook).await? && !*worker.ending.borrow();
            // Noting may have waited for the database: what is left may be another node's by now.
            if taken_at.elapsed().as_secs_f64() > TAKEN_SECONDS / 2.0 {
                return Ok(());
            }
        }
        let rest: Vec<i64> = queue.map(|delivery| delivery.position).collect();
        if !rest.is_empty() {
            let given_back = deliveries::put_back(pool, id, &rest).await;
            given_back.map_err(database("giving deliveries back"))?;
        }
        if !goes_on {
            return Ok(());
        }
    }
    Ok(())
}

/// Tries one delivery; answers whether the target took it.
async fn deliver(
    worker: &Worker,
    sender: &Sender,
    epochs: &Epochs,
    delivery: &DueDelivery,
    webhook: &LiveWebhook,
) -> Result<bool, WorkerError> {
    let outcome = attempt(&worker.platform, sender, epochs, delivery, webhook).await?;
    let dead = worker.note(|| note(&worker.platform, delivery, &outcome)).await;
    let dead = dead.map_err(database("noting a delivery"))?;
    METRICS.delivery(match (&outcome, dead) {
        (Outcome::Delivered { .. }, _) => "delivered",
        (Outcome::Failed { .. }, false) => "failed",
        (Outcome::Failed { .. }, true) => "dead",
    });
    if matches!(outcome, Outcome::Failed { status: Some(410), .. }) {
        end(worker, delivery).await?;
    }
    Ok(matches!(outcome, Outcome::Delivered { .. }))
}

/// A target that answers 410 Gone wants nothing any more: its webhook ends, as Standard Webhooks asks, and an operator
/// finds that in its history.
async fn end(worker: &Worker, delivery: &DueDelivery) -> Result<(), WorkerError> {
    let (platform, id) = (&worker.platform, delivery.webhook_id);
    let edge = &platform.edge;
    let context = Context::system("webhooks", delivery.tenant.clone(), edge.now(), edge.id());
    match platform.retire::<Webhook>(&context, id, &|_| true).await {
        Ok(_) | Err(CommandError::Resource(_)) => {}
        Err(error) => return Err(WorkerError::of("ending a webhook whose target is gone")(error.into())),
    }
    tracing::warn!(webhook = %id, "its target answered 410 Gone; the webhook has ended");
    let given_up = deliveries::fail_pending(platform.log.pool(), id).await;
    given_up.map_err(database("giving up deliveries"))
}

async fn note(platform: &Platform, delivery: &DueDelivery, outcome: &Outcome) -> Result<bool, StoreError> {
    let pool = platform.log.pool();
    let dead = deliveries::settle(pool, delivery, outcome).await?;
    match outcome {
        Outcome::Delivered { .. } => deliveries::unpause(pool, delivery.webhook_id).await?,
        Outcome::Failed {
            retry_after_seconds, ..
        } => deliveries::pause(pool, delivery.webhook_id, *retry_after_seconds).await?,
    }
    Ok(dead)
}

async fn attempt(
    platform: &Platform,
    sender: &Sender,
    epochs: &Epochs,
    delivery: &DueDelivery,
    webhook: &LiveWebhook,
) -> Result<Outcome, WorkerError> {
    let event: Vec<RecordedEvent> = Box::pin(platform.log.tail_from(LogTable::Events, delivery.position - 1, 1))
        .try_collect()
        .await
        .map_err(database("reading an event"))?;
    let Some(event) = event.first().filter(|event| event.position == delivery.position) else {
        return Ok(Outcome::Failed {
            status: None,
            error: "the event is not in the log".to_owned(),
            retry_after_seconds: None,
        });
    };
    let sealer = platform.vault.sealer(&delivery.tenant, Purpose::Tenant, "1").await;
    let sealer = sealer.map_err(|error| WorkerError::of("opening a webhook's secret")(error.into()))?;
    let secret = sealer
        .open(&webhook.created.secret)
        .map_err(|error| WorkerError::of("opening a webhook's secret")(error.into()))?;
    let epoch = epochs.of(event.position).id;
    let id = format!("msg_{}_{}", epoch.simple(), event.position);
    let mut message = envelope(epochs.log_id(), event);
    let disclosed = platform.disclose(&delivery.tenant, event).await;
    message["data"] = disclosed.map_err(|error| WorkerError::of("opening a customer's data")(error.into()))?;
    let body = message.to_string();
    let sent = sender
        .send(
            webhook.subscription.url.as_str(),
            &secret,
            (id, body),
            platform.edge.now(),
        )
        .await;
    Ok(match sent {
        Sent::Taken(status) => Outcome::Delivered { status },
        Sent::Refused {
            status,
            error,
            retry_after_seconds,
        } => Outcome::Failed {
            status,
            error,
            retry_after_seconds,
        },
    })
}
