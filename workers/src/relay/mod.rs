//! The relay to NATS JetStream: every event after its commit, to whoever subscribes; and news from it to this node.
//!
//! Subject `licet.<tenant>.<aggregate>.<event>`, message id `epoch/position`, so that sending again is harmless. How far
//! everything was acknowledged is kept beside the log; the stream's newest message says what it has. The relay goes on
//! from the lesser of the two: a message that was lost on its way has later ones behind it, and JetStream, which
//! acknowledges before it syncs to disk, can lose its tail. A stream that was wiped is filled again from the beginning.
//!
//! A stream whose newest message the log does not know proves a fork: a restore, or a failover that lost events. The relay
//! stops, `/readyz` says so, and an operator begins an epoch.

mod stream;

use std::time::Duration;

use async_nats::{Client, HeaderMap, ServerAddr, jetstream};
use futures::{StreamExt as _, TryStreamExt as _};
use licet_domain::values::Timestamp;
use licet_event_store::{
    EventLog, LogTable, RecordedEvent,
    epochs::{self, Epochs},
};
use licet_projections::{nodes::leases, queues::consumers};
use serde_json::{Value, json};
use stream::{Found, Place, Stream, find_place};
use uuid::Uuid;

use crate::{Worker, WorkerError, metrics::METRICS};

const LEASE: &str = "worker/relay";
/// Events on their way at once.
const BATCH: i64 = 500;

fn failed(what: &'static str) -> impl FnOnce(async_nats::Error) -> WorkerError {
    move |cause| WorkerError::of(what)(cause)
}

/// Where NATS is.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// Its servers, with commas between them.
    pub servers: String,
    /// On how many of them the stream is kept.
    pub replicas: usize,
}

/// Connects, again and again where the servers are away.
pub(crate) async fn connect(settings: &NatsSettings) -> Result<Client, WorkerError> {
    let named = settings.servers.split(',').map(str::trim).filter(|url| !url.is_empty());
    let servers = named.map(str::parse).collect::<Result<Vec<ServerAddr>, _>>();
    let servers = servers.map_err(|error| failed("reading where NATS is")(error.into()))?;
    async_nats::ConnectOptions::new()
        .retry_on_initial_connect()
        .connect(servers)
        .await
        .map_err(|error| failed("connecting to NATS")(error.into()))
}

/// Hears of other nodes' events and wakes this node's readers.
pub(crate) async fn follow(worker: Worker, client: Client) {
    let mut ending = worker.ending.clone();
    let mut news = match client.subscribe("licet.>").await {
        Ok(news) => news,
        Err(error) => {
            tracing::error!(%error, "NATS cannot be subscribed to; the log's own notifications go on");
            return;
        }
    };
    let mut log_id = None;
    loop {
        let message = tokio::select! {
            _ = ending.wait_for(|ending| *ending) => return,
            message = news.next() => message,
        };
        let Some(message) = message else { return };
        if log_id.is_none() {
            log_id = worker.platform.log.log_id().await.ok();
        }
        // Another installation may share the server: its positions say nothing here.
        let own = |headers: &&HeaderMap| is_of(headers, log_id);
        let position = message.headers.as_ref().filter(own).and_then(position_of);
        if let Some(position) = position {
            worker.platform.log.heard_of(position);
        }
    }
}

/// Whether a message is of this log.
fn is_of(headers: &HeaderMap, log_id: Option<Uuid>) -> bool {
    log_id.is_some() && log_of(headers) == log_id
}

fn log_of(headers: &HeaderMap) -> Option<Uuid> {
    headers.get("Licet-Log").and_then(|value| value.as_str().parse().ok())
}

/// The epoch that a message was told in; messages of before there were epochs name the log alone.
fn epoch_of(headers: &HeaderMap) -> Option<Uuid> {
    let named = headers.get("Licet-Epoch").or_else(|| headers.get("Licet-Log"));
    named.and_then(|value| value.as_str().parse().ok())
}

fn position_of(headers: &HeaderMap) -> Option<i64> {
    headers
        .get("Licet-Position")
        .and_then(|value| value.as_str().parse().ok())
}

/// Publishes while this node holds the lease, until the node ends.
pub(crate) async fn publish(worker: Worker, client: Client, replicas: usize) {
    let stream = Stream {
        jetstream: jetstream::new(client),
        replicas,
    };
    let (mut ending, mut head) = (worker.ending.clone(), worker.platform.log.head());
    let pool = worker.platform.log.pool().clone();
    let mut place: Option<Place> = None;
    while !*ending.borrow() {
        let mut more = false;
        match leases::hold(&pool, LEASE, worker.node, leases::LEASE).await {
            Ok(true) => match turn(&worker.platform.log, &stream, &mut place).await {
                // Short of a full batch there may be a gap that has left for the archive, and more behind it.
                Ok(sent) => more = sent > 0,
                Err(error) => {
                    // Where the stream stands is looked at again.
                    place = None;
                    METRICS.relay_failed();
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, "the relay to NATS tries again");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            },
            Ok(false) => place = None,
            Err(error) => tracing::warn!(%error, "the relay's lease could not be asked for"),
        }
        if more {
            continue;
        }
        tokio::select! {
            _ = ending.wait_for(|ending| *ending) => {}
            _ = tokio::time::timeout(Duration::from_secs(1), head.changed()) => {}
        }
    }
    let _ = leases::release(&pool, LEASE, worker.node).await;
}

/// One batch; answers how many events.
async fn turn(log: &EventLog, stream: &Stream, place: &mut Option<Place>) -> Result<i64, WorkerError> {
    let found = match place.take() {
        Some(known) => known,
        None => match find_place(log, stream).await? {
            Found::Place(place) => place,
            Found::Fork => return Ok(0),
        },
    };
    let place = place.insert(found);
    let events = after(log, place.position)
        .await
        .map_err(|error| WorkerError::of("reading the log")(error.into()))?;
    if events.is_empty()
        && place.position
            > log
                .position()
                .await
                .map_err(|error| WorkerError::of("reading the log")(error.into()))?
    {
        return Err(WorkerError::of("going on with the log")(
            "its head has gone back".into(),
        ));
    }
    let safe = log.await_quorum().await;
    safe.map_err(|error| WorkerError::of("waiting for the database's standbys")(error.into()))?;
    // Looked at each time: an operator may have begun one meanwhile.
    let epochs = Epochs::read(log.pool()).await;
    let epochs = epochs.map_err(|error| WorkerError::of("reading the log")(error.into()))?;
    let mut acknowledgments = Vec::with_capacity(events.len());
    for event in &events {
        let (subject, headers, body) = message(&epochs, event);
        let sent = stream
            .jetstream
            .publish_with_headers(subject, headers, body.into())
            .await;
        acknowledgments.push(sent.map_err(|error| failed("publishing to NATS")(error.into()))?);
    }
    for acknowledgment in acknowledgments {
        let acknowledged = acknowledgment.await;
        let acknowledged = acknowledged.map_err(|error| failed("publishing to NATS")(error.into()))?;
        if acknowledged.sequence <= place.sequence && !acknowledged.duplicate {
            return Err(failed("publishing to NATS")("the stream was made anew".into()));
        }
        place.sequence = place.sequence.max(acknowledged.sequence);
    }
    if let Some(last) = events.last() {
        place.position = last.position;
        let kept = consumers::keep(log.pool(), &consumer(&epochs), last.position).await;
        kept.map_err(|error| WorkerError::of("keeping the relay's place")(error.into()))?;
    }
    METRICS.relayed(events.len() as u64);
    Ok(events.len() as i64)
}

/// Begins an epoch after what the stream and the log have in common; see [`epochs`].
pub async fn begin_epoch(log: &EventLog) -> Result<epochs::Epoch, licet_event_store::StoreError> {
    epochs::begin(log.pool(), &consumer(&Epochs::read(log.pool()).await?)).await
}

/// Names the relay's place in a log; a restore changes the log's name and not its place.
fn consumer(epochs: &Epochs) -> String {
    format!("relay/{}", epochs.first_log_id())
}

/// The next events of all three tables, in the one order of positions and without a gap.
async fn after(log: &EventLog, position: i64) -> Result<Vec<RecordedEvent>, licet_event_store::StoreError> {
    let events = read(log, position).await?;
    if events.first().is_none_or(|first| first.position == position + 1) {
        return Ok(dense(events));
    }
    // What was recorded between the readings of two tables is there by now; a gap that stays has left for the archive.
    Ok(dense(read(log, position).await?))
}

async fn read(log: &EventLog, position: i64) -> Result<Vec<RecordedEvent>, licet_event_store::StoreError> {
    let mut events = Vec::new();
    for table in LogTable::ALL {
        let some: Vec<RecordedEvent> = Box::pin(log.tail_from(table, position, BATCH)).try_collect().await?;
        events.extend(some);
    }
    events.sort_unstable_by_key(|event| event.position);
    events.truncate(usize::try_from(BATCH).unwrap_or(usize::MAX));
    Ok(events)
}

/// What comes before the first gap; what follows it waits a turn.
fn dense(mut events: Vec<RecordedEvent>) -> Vec<RecordedEvent> {
    let first = events.first().map_or(0, |event| event.position);
    let dense = (first..)
        .zip(&events)
        .take_while(|(expected, event)| event.position == *expected);
    let dense = dense.count();
    events.truncate(dense);
    events
}

fn message(epochs: &Epochs, event: &RecordedEvent) -> (String, HeaderMap, Vec<u8>) {
    let name = event
        .event_type
        .split_once('.')
        .map_or(event.event_type.as_str(), |(_, name)| name);
    let subject = format!("licet.{}.{}.{name}", event.tenant_id, event.aggregate_type);
    let mut headers = HeaderMap::new();
    let epoch = epochs.of(event.position).id;
    headers.insert("Nats-Msg-Id", format!("{epoch}/{}", event.position));
    headers.insert("Licet-Log", epochs.log_id().to_string());
    headers.insert("Licet-Epoch", epoch.to_string());
    headers.insert("Licet-Position", event.position.to_string());
    (
        subject,
        headers,
        envelope(epochs.log_id(), event).to_string().into_bytes(),
    )
}

/// An event as it is told; personal data is sealed, and stays so for subscribers (webhooks: `webhooks/payload.rs`).
pub(crate) fn envelope(log_id: Uuid, event: &RecordedEvent) -> Value {
    json!({
        "type": event.event_type,
        "timestamp": Timestamp::from(event.recorded_at),
        "log_id": log_id,
        "position": event.position,
        "tenant_id": event.tenant_id,
        "aggregate_type": event.aggregate_type,
        "aggregate_id": event.aggregate_id,
        "sequence": event.sequence,
        "version": event.event_version,
        "data": serde_json::from_str::<Value>(&event.payload).unwrap_or_default(),
    })
}
