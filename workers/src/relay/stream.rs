//! The stream that the relay publishes to, and where it goes on.

use std::time::Duration;

use async_nats::jetstream::{self, stream};
use licet_event_store::{EventLog, RecordedEvent, epochs::Epochs};
use licet_projections::queues::consumers;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{consumer, envelope, epoch_of, failed, log_of, position_of, read};
use crate::{WorkerError, metrics::METRICS};

const STREAM: &str = "licet";
/// How long messages stay.
const MAX_AGE: Duration = Duration::from_secs(7 * 86_400);

/// The stream that everything is published to.
pub(super) struct Stream {
    pub(super) jetstream: jetstream::Context,
    pub(super) replicas: usize,
}

impl Stream {
    async fn find_or_make(&self) -> Result<stream::Stream, WorkerError> {
        let config = stream::Config {
            name: STREAM.to_owned(),
            subjects: vec!["licet.>".to_owned()],
            max_age: MAX_AGE,
            discard: stream::DiscardPolicy::Old,
            num_replicas: self.replicas,
            ..stream::Config::default()
        };
        let making = |error: async_nats::Error| failed("making the stream")(error);
        let found = self.jetstream.get_or_create_stream(config.clone()).await;
        let found = found.map_err(|error| making(error.into()))?;
        if found.cached_info().config.num_replicas != self.replicas {
            let changed = stream::Config {
                num_replicas: self.replicas,
                ..found.cached_info().config.clone()
            };
            let changed = self.jetstream.update_stream(changed).await;
            changed.map_err(|error| making(error.into()))?;
        }
        Ok(found)
    }
}

/// Where the stream goes on.
pub(super) struct Place {
    pub(super) position: i64,
    /// The stream's sequence of the last message: one that goes back says that the stream is another.
    pub(super) sequence: u64,
}

pub(super) enum Found {
    Place(Place),
    /// The stream has told what the log does not know.
    Fork,
}

/// Makes the stream where there is none, and reads how far it has come. A stream of another log begins anew.
pub(super) async fn find_place(log: &EventLog, stream: &Stream) -> Result<Found, WorkerError> {
    let database = |error: licet_event_store::StoreError| WorkerError::of("reading the relay's place")(error.into());
    let reading = |error| failed("reading the stream")(error);
    let epochs = Epochs::read(log.pool()).await.map_err(database)?;
    let mut stream = stream.find_or_make().await?;
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
