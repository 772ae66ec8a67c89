//! Webhooks: events from the log into a queue, and from the queue to the targets.
//!
//! Queuing is driven by the log and resumable from any position; a rebuild of read models does not touch it. A delivery
//! that was acknowledged is not sent again: should the node die between the target's answer and our note of it, the target
//! sees the same `webhook-id` twice, as Standard Webhooks asks it to expect.

mod send;
mod target;

use std::{collections::HashMap, sync::Arc};

use futures::{StreamExt as _, TryStreamExt as _};
use licet_commands::Platform;
use licet_domain::webhook::{LiveWebhook, Webhook};
use licet_event_store::{
    LogTable, RecordedEvent, Tenant, consumers,
    deliveries::{self, DueDelivery, Outcome},
    vault::Purpose,
};
use licet_projections::{PageRequest, Reader, resources};
use uuid::Uuid;

pub use send::{Sender, Sent};

use crate::{WorkerError, metrics::METRICS, relay::envelope};

/// Events looked at for one webhook in one turn.
const SOME: i64 = 1_000;
/// Webhooks that are delivered to at once.
const AT_ONCE: usize = 8;
/// Deliveries to one of them in one turn, one after the other: even a slow target has answered all of them within the
/// time for which they are taken.
const OF_EACH: i64 = 15;

/// Names a webhook's place in the log.
pub fn consumer(webhook_id: Uuid) -> String {
    format!("webhook/{webhook_id}")
}

fn database(what: &'static str) -> impl FnOnce(licet_event_store::StoreError) -> WorkerError {
    move |error| WorkerError::of(what)(error.into())
}

/// One turn: queue what is new, then deliver what is due. Answers whether there may be more at once.
pub(crate) async fn turn(platform: &Arc<Platform>, reader: &Reader, sender: &Sender) -> Result<bool, WorkerError> {
    let tenant = Tenant::default();
    let webhooks = live(reader, &tenant).await?;
    let mut more = false;
    for webhook in webhooks.values() {
        more |= queue(platform, webhook).await?;
    }
    let due = deliveries::take_due(platform.log.pool(), (AT_ONCE as i64, OF_EACH)).await;
    let due = due.map_err(database("reading the queue of webhooks"))?;
    more |= !due.is_empty();
    let log_id = platform.log.log_id().await.map_err(database("reading the log"))?;
    let mut queues: HashMap<Uuid, Vec<DueDelivery>> = HashMap::new();
    for delivery in due {
        queues.entry(delivery.webhook_id).or_default().push(delivery);
    }
    let targets = queues.into_iter().map(|(id, queue)| {
        let webhook = webhooks.get(&id).cloned();
        deliver_all(platform, sender, (log_id, queue), webhook)
    });
    let mut running = futures::stream::iter(targets).buffer_unordered(AT_ONCE);
    while let Some(done) = running.next().await {
        done?;
    }
    Ok(more)
}

/// One webhook's deliveries in the order of the log. A target that fails is left alone until the next turn, so that it
/// does not hold up the others for longer than one try.
async fn deliver_all(
    platform: &Arc<Platform>,
    sender: &Sender,
    (log_id, queue): (Uuid, Vec<DueDelivery>),
    webhook: Option<LiveWebhook>,
) -> Result<(), WorkerError> {
    let mut queue = queue.into_iter();
    while let Some(delivery) = queue.next() {
        let id = delivery.webhook_id;
        if !deliver(platform, sender, (log_id, delivery), webhook.clone()).await? {
            let rest: Vec<i64> = queue.map(|delivery| delivery.position).collect();
            let given_back = deliveries::put_back(platform.log.pool(), id, &rest).await;
            return given_back.map_err(database("giving deliveries back"));
        }
    }
    Ok(())
}

async fn live(reader: &Reader, tenant: &Tenant) -> Result<HashMap<Uuid, LiveWebhook>, WorkerError> {
    let mut found = HashMap::new();
    let mut request = PageRequest::first(200);
    loop {
        let page = resources::list::<Webhook>(reader, tenant, None, &request)
            .await
            .map_err(database("listing webhooks"))?;
        found.extend(
            page.items
                .into_iter()
                .filter_map(|row| Some((row.id, row.state.facts()?.clone()))),
        );
        match page.next {
            Some(next) => request.after = Some(next),
            None => return Ok(found),
        }
    }
}

/// Queues what a webhook wants of the next events.
async fn queue(platform: &Platform, webhook: &LiveWebhook) -> Result<bool, WorkerError> {
    let failed = || database("queuing for a webhook");
    let pool = platform.log.pool();
    let id = webhook.created.webhook_id.0;
    let consumer = consumer(id);
    let after = consumers::position(pool, &consumer, webhook.created.from_position)
        .await
        .map_err(failed())?;
    let events: Vec<RecordedEvent> = Box::pin(platform.log.tail_from(LogTable::Events, after, SOME))
        .try_collect()
        .await
        .map_err(failed())?;
    let Some(until) = events.last().map(|event| event.position) else {
        return Ok(false);
    };
    let wanted: Vec<&RecordedEvent> = events
        .iter()
        .filter(|event| {
            let data = serde_json::from_str(&event.payload).unwrap_or_default();
            let about = (event.aggregate_type.as_str(), event.aggregate_id.as_str());
            webhook.subscription.wants(&event.event_type, about, &data)
        })
        .collect();
    deliveries::enqueue(pool, &consumer, id, &wanted, (after, until))
        .await
        .map_err(failed())?;
    Ok(events.len() as i64 == SOME)
}

/// Tries one delivery; answers whether the target took it.
async fn deliver(
    platform: &Arc<Platform>,
    sender: &Sender,
    (log_id, delivery): (Uuid, DueDelivery),
    webhook: Option<LiveWebhook>,
) -> Result<bool, WorkerError> {
    let outcome = match webhook {
        None => Outcome::Failed {
            status: None,
            error: "the webhook was retired".to_owned(),
        },
        Some(webhook) => attempt(platform, sender, (log_id, &delivery), &webhook).await?,
    };
    let dead = deliveries::settle(platform.log.pool(), &delivery, &outcome)
        .await
        .map_err(database("noting a delivery"))?;
    METRICS.delivery(match (&outcome, dead) {
        (Outcome::Delivered { .. }, _) => "delivered",
        (Outcome::Failed { .. }, false) => "failed",
        (Outcome::Failed { .. }, true) => "dead",
    });
    Ok(matches!(outcome, Outcome::Delivered { .. }))
}

async fn attempt(
    platform: &Arc<Platform>,
    sender: &Sender,
    (log_id, delivery): (Uuid, &DueDelivery),
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
        });
    };
    let sealer = platform.vault.sealer(&delivery.tenant, Purpose::Tenant, "1").await;
    let sealer = sealer.map_err(|error| WorkerError::of("opening a webhook's secret")(error.into()))?;
    let secret = sealer
        .open(&webhook.created.secret)
        .map_err(|error| WorkerError::of("opening a webhook's secret")(error.into()))?;
    let id = format!("msg_{}_{}", log_id.simple(), event.position);
    let body = envelope(log_id, event).to_string();
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
        Sent::Refused { status, error } => Outcome::Failed { status, error },
    })
}
