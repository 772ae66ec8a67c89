//! The relay to NATS JetStream: every event after its commit, to whoever subscribes; and news from it to this node.
//!
//! Subject `licet.<tenant>.<aggregate>.<event>`, message id `epoch/position`, so that sending again is harmless. How far
//! everything was acknowledged is kept beside the log; the stream's newest message says what it has. The relay goes on
//! from the lesser of the two: a message that was lost on its way has later ones behind it, and JetStream, which
//! acknowledges before it syncs to disk, can lose its tail. A stream that was wiped is filled again from the beginning.
//!
//! A stream whose newest message the log does not know proves a fork: a restore, or a failover that lost events. The relay
//! stops, `/readyz` says so, and an operator begins an epoch.

use std::time::Duration;

use async_nats::{
    Client, HeaderMap,
    jetstream::{self, stream},
};
use futures::{StreamExt as _, TryStreamExt as _};

use licet_domain::values::Timestamp;
use licet_event_store::{
    EventLog, LogTable, RecordedEvent,
    epochs::{self, Epochs},
};
use licet_projections::{nodes::leases, queues::consumers};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Worker, WorkerError, metrics::METRICS};

const STREAM: &str = "licet";
const LEASE: &str = "worker/relay";
/// Events on their way at once.
const BATCH: i64 = 500;
/// How long messages stay.
const MAX_AGE: Duration = Duration::from_secs(7 * 86_400);

fn failed(what: &'static str) -> impl FnOnce(async_nats::Error) -> WorkerError {
    move |cause| WorkerError::of(what)(cause)
}

/// Connects, again and again where the server is away.
pub(crate) async fn connect(url: &str) -> Result<Client, WorkerError> {
    async_nats::ConnectOptions::new()
        .retry_on_initial_connect()
        .connect(url)
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
pub(crate) async fn publish(worker: Worker, client: Client) {
    let jetstream = jetstream::new(client);
    let (mut ending, mut head) = (worker.ending.clone(), worker.platform.log.head());
    let pool = worker.platform.log.pool().clone();
    let mut place: Option<Place> = None;
    while !*ending.borrow() {
        let mut more = false;
        match leases::hold(&pool, LEASE, worker.node, leases::LEASE).await {
            Ok(true) => match turn(&worker.platform.log, &jetstream, &mut place).await {
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

/// Where the stream goes on.
struct Place {
    position: i64,
    /// The stream's sequence of the last message: one that goes back says that the stream is another.
    sequence: u64,
}

/// One batch; answers how many events.
async fn turn(log: &EventLog, jetstream: &jetstream::Context, place: &mut Option<Place>) -> Result<i64, WorkerError> {
    let found = match place.take() {
        Some(known) => known,
        None => match find_place(log, jetstream).await? {
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
        let sent = jetstream.publish_with_headers(subject, headers, body.into()).await;
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

enum Found {
    Place(Place),
    /// The stream has told what the log does not know.
    Fork,
}

/// Makes the stream where there is none, and reads how far it has come. A stream of another log begins anew.
async fn find_place(log: &EventLog, jetstream: &jetstream::Context) -> Result<Found, WorkerError> {
    let database = |error: licet_event_store::StoreError| WorkerError::of("reading the relay's place")(error.into());
    let reading = |error| failed("reading the stream")(error);
    let epochs = Epochs::read(log.pool()).await.map_err(database)?;
    let config = stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["licet.>".to_owned()],
        max_age: MAX_AGE,
        discard: stream::DiscardPolicy::Old,
        ..stream::Config::default()
    };
    let mut stream = jetstream
        .get_or_create_stream(config)
        .await
        .map_err(|error| failed("making the stream")(error.into()))?;
    let state = &stream.info().await.map_err(|error| reading(error.into()))?.state;
    let (messages, sequence) = (state.messages, state.last_sequence);
    let name = consumer(&epochs);
    let kept = consumers::find(log.pool(), &name).await.map_err(database)?;
    let position = match (sequence, messages) {
        // Nothing has ever been in it.
        (0, _) => 0,
        // All of it was old enough to go.
        (_, 0) => kept.unwrap_or(0),
        (last, _) => {
            let newest = stream.get_raw_message(last).await;
            let newest = newest.map_err(|error| reading(error.into()))?;
            let told = StreamTail::of(&newest, &epochs);
            let Some(newest) = common(log, &epochs, &told).await? else {
                let cause = format!(
                    "the relay to NATS has stopped: the stream knows position {} otherwise than this log, as after a restore \
                     or a failover that lost events; `licet events begin-epoch` tells what follows under new ids",
                    told.position
                );
                if consumers::stop(log.pool(), &name, &cause).await.map_err(database)? {
                    METRICS.relay_failed();
                    tracing::error!("{cause}");
                }
                return Ok(Found::Fork);
            };
            kept.map_or(newest, |kept| kept.min(newest))
        }
    };
    consumers::resume(log.pool(), &name).await.map_err(database)?;
    tracing::info!(position, "the relay to NATS goes on after this position");
    Ok(Found::Place(Place { position, sequence }))
}

/// What a stream's newest message says; position 0 where it is another log's.
struct StreamTail {
    log_id: Uuid,
    epoch: Option<Uuid>,
    position: i64,
    published_at: OffsetDateTime,
    event: Value,
}

impl StreamTail {
    fn of(message: &jetstream::message::StreamMessage, epochs: &Epochs) -> Self {
        let own = log_of(&message.headers).is_some_and(|id| epochs.is_called(id));
        Self {
            log_id: epochs.log_id(),
            epoch: epoch_of(&message.headers),
            position: position_of(&message.headers).filter(|_| own).unwrap_or(0),
            published_at: message.time,
            event: serde_json::from_slice(&message.payload).unwrap_or_default(),
        }
    }

    /// Whether it told of this event.
    fn is(&self, event: &RecordedEvent) -> bool {
        let known = envelope(self.log_id, event);
        ["type", "timestamp", "aggregate_id", "sequence"]
            .iter()
            .all(|name| known[name] == self.event[name])
    }
}

/// The last position that the stream and the log have in common; `None` where they disagree and nobody has decided.
async fn common(log: &EventLog, epochs: &Epochs, told: &StreamTail) -> Result<Option<i64>, WorkerError> {
    let database = |error: licet_event_store::StoreError| WorkerError::of("reading the log")(error.into());
    if told.position == 0 {
        return Ok(Some(0));
    }
    let head = log.position().await.map_err(database)?;
    let epoch_holds = told.epoch.is_some_and(|epoch| epochs.holds(epoch, told.position));
    // The head is read first: what is recorded meanwhile must not look like an event that has left for the archive.
    if epoch_holds && told.position <= head {
        let events = read(log, told.position - 1).await.map_err(database)?;
        let known = events.first().filter(|event| event.position == told.position);
        if known.is_none_or(|event| told.is(event)) {
            return Ok(Some(told.position));
        }
    }
    let epoch = epochs.current();
    let decided = epoch.begun_at.is_some_and(|begun_at| told.published_at < begun_at);
    Ok(decided.then_some(epoch.begun_after))
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
