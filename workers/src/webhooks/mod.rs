//! Webhooks: events from the log into a queue, and from the queue to the targets.
//!
//! Queuing is driven by the log and resumable from any position; a rebuild of read models does not touch it. Each target
//! has a task of its own while something is due to it, so that none waits for another. A delivery that was acknowledged
//! is not sent again: should the node die between the target's answer and our note of it, the target sees the same
//! `webhook-id` twice, as Standard Webhooks asks it to expect.

mod deliver;
mod send;
mod target;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use futures::TryStreamExt as _;
use licet_commands::Platform;
use licet_domain::webhook::{LiveWebhook, Webhook};
use licet_event_store::{LogTable, RecordedEvent, Tenant};
use licet_projections::{
    PageRequest, Reader,
    queues::{consumers, deliveries},
    resources,
};
use tokio::task::JoinSet;
use uuid::Uuid;

pub use send::{Sender, Sent};

use crate::{Worker, WorkerError};

/// Events looked at for one webhook in one turn.
const PAGE_SIZE: i64 = 1_000;
/// Webhooks that are delivered to at once.
const CONCURRENCY: usize = 32;

/// Names a webhook's place in the log.
pub fn consumer(webhook_id: Uuid) -> String {
    format!("webhook/{webhook_id}")
}

fn database(what: &'static str) -> impl FnOnce(licet_event_store::StoreError) -> WorkerError {
    move |error| WorkerError::of(what)(error.into())
}

/// The targets that are delivered to at this moment.
#[derive(Default)]
pub(crate) struct Running {
    busy: Arc<Mutex<HashSet<Uuid>>>,
    tasks: Mutex<JoinSet<()>>,
}

/// A target's place among them; however its task ends, it is given back.
struct Busy(Arc<Mutex<HashSet<Uuid>>>, Uuid);

impl Busy {
    fn take(busy: &Arc<Mutex<HashSet<Uuid>>>, id: Uuid) -> Option<Self> {
        let mut ids = busy.lock().unwrap_or_else(PoisonError::into_inner);
        (ids.len() < CONCURRENCY && ids.insert(id)).then(|| Self(Arc::clone(busy), id))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl Running {
    /// Waits for what is on its way; nothing new begins when the node ends.
    pub(crate) async fn finish(self) {
        let mut tasks = self.tasks.into_inner().unwrap_or_else(PoisonError::into_inner);
        while tasks.join_next().await.is_some() {}
    }
}

/// One turn: queue what is new, then begin to deliver what is due. Answers whether there is more to queue at once.
pub(crate) async fn turn(worker: &Worker, sender: &Sender, running: &Running) -> Result<bool, WorkerError> {
    let platform = &worker.platform;
    let tenant = Tenant::default();
    let webhooks = live(&worker.reader, &tenant).await?;
    let mut more = false;
    for webhook in webhooks.values() {
        more |= queue(platform, &tenant, webhook).await?;
    }
    let ids: Vec<Uuid> = webhooks.keys().copied().collect();
    let due = deliveries::waiting(platform.log.pool(), &ids).await;
    for id in due.map_err(database("reading the queue of webhooks"))? {
        let Some(busy) = Busy::take(&running.busy, id) else {
            continue;
        };
        let (worker, sender, tenant) = (worker.clone(), sender.clone(), tenant.clone());
        let mut tasks = running.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            if let Err(error) = deliver::all(&worker, &sender, &tenant, id).await {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "delivering to a webhook failed; it tries again");
            }
            drop(busy);
        });
    }
    Ok(more)
}

/// Gives up what is due to webhooks that were retired. The log says which those are: a read model may be on its way.
pub(crate) async fn bury_retired(worker: &Worker) -> Result<(), WorkerError> {
    let (platform, failed) = (&worker.platform, || database("giving up deliveries"));
    let pool = platform.log.pool();
    for (tenant, id) in deliveries::pending(pool).await.map_err(failed())? {
        let webhook = platform.resources.webhooks.get(&tenant, id).await;
        let webhook = webhook.map_err(|error| WorkerError::of("giving up deliveries")(error.into()))?;
        if matches!(webhook.state, Webhook::Retired(_)) {
            deliveries::fail_pending(pool, id).await.map_err(failed())?;
        }
    }
    Ok(())
}

/// A webhook as the log has it; `None` when it was retired.
async fn as_recorded(platform: &Platform, tenant: &Tenant, id: Uuid) -> Result<Option<LiveWebhook>, WorkerError> {
    let webhook = platform.resources.webhooks.fresh(tenant, id).await;
    let webhook = webhook.map_err(|error| WorkerError::of("reading a webhook")(error.into()))?;
    Ok(match &webhook.state {
        Webhook::Live(webhook) => Some(webhook.clone()),
        Webhook::Absent | Webhook::Retired(_) => None,
    })
}

/// The webhooks that there are, as the read model lists them: it may be a moment behind the log.
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

/// Queues what a webhook wants of the next events: by what it subscribes to at least since the newest of them.
async fn queue(platform: &Platform, tenant: &Tenant, webhook: &LiveWebhook) -> Result<bool, WorkerError> {
    let failed = || database("queuing for a webhook");
    let pool = platform.log.pool();
    let id = webhook.created.webhook_id.0;
    let consumer = consumer(id);
    let after = consumers::position(pool, &consumer, webhook.created.from_position)
        .await
        .map_err(failed())?;
    let events: Vec<RecordedEvent> = Box::pin(platform.log.tail_from(LogTable::Events, after, PAGE_SIZE))
        .try_collect()
        .await
        .map_err(failed())?;
    let Some(until) = events.last().map(|event| event.position) else {
        return Ok(false);
    };
    let Some(webhook) = as_recorded(platform, tenant, id).await? else {
        return Ok(false);
    };
    let wanted: Vec<&RecordedEvent> = events
        .iter()
        .filter(|event| event.tenant_id == tenant.as_str())
        .filter(|event| {
            let data = serde_json::from_str(&event.payload).unwrap_or_default();
            let (kind, id) = (event.aggregate_type.as_str(), event.aggregate_id.as_str());
            webhook.subscription.wants(&event.event_type, kind, id, &data)
        })
        .collect();
    deliveries::enqueue(pool, &consumer, id, &wanted, (after, until))
        .await
        .map_err(failed())?;
    Ok(events.len() as i64 == PAGE_SIZE)
}
