//! The adapter to `cqrs-es`: any [`Decider`] as its `Aggregate`, our log as its `EventStore`.
//!
//! Its framework type is not what executes commands here; see ARCHITECTURE.md, "cqrs-es and postgres-es".

use std::collections::HashMap;

use cqrs_es::{
    Aggregate, AggregateContext, AggregateError, DomainEvent, EventEnvelope, EventStore,
    event_sink::EventSink,
    persist::{EventUpcaster, SerializedEvent},
};
use futures::TryStreamExt as _;
use licet_domain::{Decider, EventData};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    AppendError, Edge, EventLog, LogTable, Metadata, NewEvent, RecordedRow, StreamEvents, Submission, Tenant, upcast,
};

/// A decider in the clothes of a `cqrs-es` aggregate.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Adapted<D: Decider>(pub D::State);

impl<D: Decider> Default for Adapted<D> {
    fn default() -> Self {
        Self(D::State::default())
    }
}

impl<D: Decider> Aggregate for Adapted<D>
where
    D::Command: Send,
{
    const TYPE: &'static str = D::TYPE;
    type Command = D::Command;
    type Event = AdaptedEvent<D::Event>;
    type Error = D::Rejection;
    type Services = ();

    async fn handle(&mut self, command: D::Command, (): &(), sink: &EventSink<Self>) -> Result<(), D::Rejection> {
        for event in D::decide(&self.0, command)? {
            sink.write(AdaptedEvent(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.0 = D::evolve(std::mem::take(&mut self.0), &event.0);
    }
}

/// An event that carries its own name and version, as `cqrs-es` decodes from the payload alone.
#[derive(Debug, Clone, PartialEq)]
pub struct AdaptedEvent<E>(pub E);

#[derive(Serialize, Deserialize)]
struct Tagged {
    r#type: String,
    version: String,
    data: Value,
}

impl<E: EventData> Serialize for AdaptedEvent<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let data = serde_json::from_str(&self.0.encode()).map_err(serde::ser::Error::custom)?;
        let version = self.0.event_version().to_string();
        Tagged {
            r#type: self.0.event_type().to_owned(),
            version,
            data,
        }
        .serialize(serializer)
    }
}

impl<'de, E: EventData> Deserialize<'de> for AdaptedEvent<E> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        let tagged = Tagged::deserialize(deserializer)?;
        let event = upcast::decode(&tagged.r#type, &tagged.version, &tagged.data.to_string());
        event.map(Self).map_err(De::Error::custom)
    }
}

impl<E: EventData> DomainEvent for AdaptedEvent<E> {
    fn event_type(&self) -> String {
        self.0.event_type().to_owned()
    }
    fn event_version(&self) -> String {
        self.0.event_version().to_string()
    }
}

/// Lets `postgres-es` read our table: puts name and version of the row into the payload that it decodes.
pub struct TagPayload;

impl EventUpcaster for TagPayload {
    fn can_upcast(&self, _: &str, _: &str) -> bool {
        true
    }
    fn upcast(&self, event: SerializedEvent) -> SerializedEvent {
        let payload = json!({ "type": event.event_type, "version": event.event_version, "data": event.payload });
        SerializedEvent { payload, ..event }
    }
}

/// Our log as the event store of `cqrs-es`, for one tenant.
pub struct CqrsStore {
    log: EventLog,
    tenant: Tenant,
    edge: Edge,
}

impl CqrsStore {
    /// A store over a log.
    pub fn new(log: EventLog, tenant: Tenant, edge: Edge) -> Self {
        Self { log, tenant, edge }
    }

    async fn rows(&self, aggregate_type: &str, id: &str) -> sqlx::Result<Vec<RecordedRow>> {
        self.log
            .history(&self.tenant, aggregate_type, id, 0, i64::MAX, None)
            .try_collect()
            .await
    }
}

/// An aggregate with the version that it was loaded at.
pub struct Loaded<D: Decider> {
    id: String,
    version: u64,
    aggregate: Adapted<D>,
}

impl<D: Decider> AggregateContext<Adapted<D>> for Loaded<D>
where
    D::Command: Send,
{
    fn aggregate(&mut self) -> &mut Adapted<D> {
        &mut self.aggregate
    }
}

fn unexpected<R: std::error::Error>(error: impl std::error::Error + Send + Sync + 'static) -> AggregateError<R> {
    AggregateError::UnexpectedError(Box::new(error))
}

impl<D: Decider> EventStore<Adapted<D>> for CqrsStore
where
    D::Command: Send,
{
    type AC = Loaded<D>;

    async fn load_events(&self, id: &str) -> Result<Vec<EventEnvelope<Adapted<D>>>, AggregateError<D::Rejection>> {
        let rows = self.rows(D::TYPE, id).await.map_err(unexpected)?;
        rows.iter()
            .map(|row| {
                let payload = upcast::decode(
                    row.event_type().map_err(unexpected)?,
                    row.event_version().map_err(unexpected)?,
                    row.payload().map_err(unexpected)?,
                );
                let metadata = serde_json::from_str(row.metadata().map_err(unexpected)?).map_err(unexpected)?;
                Ok(EventEnvelope {
                    aggregate_id: id.to_owned(),
                    sequence: row.sequence().map_err(unexpected)? as usize,
                    payload: AdaptedEvent(payload.map_err(unexpected)?),
                    metadata,
                })
            })
            .collect()
    }

    async fn load_aggregate(&self, id: &str) -> Result<Loaded<D>, AggregateError<D::Rejection>> {
        let events = EventStore::<Adapted<D>>::load_events(self, id).await?;
        let mut aggregate = Adapted::<D>::default();
        let version = events.last().map_or(0, |event| event.sequence as u64);
        events.into_iter().for_each(|event| aggregate.apply(event.payload));
        Ok(Loaded {
            id: id.to_owned(),
            version,
            aggregate,
        })
    }

    async fn commit(
        &self,
        events: Vec<AdaptedEvent<D::Event>>,
        context: Loaded<D>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<Adapted<D>>>, AggregateError<D::Rejection>> {
        let known = serde_json::to_value(&metadata).and_then(serde_json::from_value::<Metadata>);
        let submission = Submission {
            tenant: self.tenant.clone(),
            command_id: self.edge.id(),
            metadata: known.unwrap_or_else(|_| Metadata::system("cqrs-es", Uuid::nil())),
            streams: vec![StreamEvents {
                table: LogTable::Events,
                aggregate_type: D::TYPE,
                aggregate_id: context.id.clone(),
                expected_version: context.version,
                events: events.iter().map(|event| NewEvent::of(&event.0)).collect(),
            }],
            claims: vec![],
            releases: vec![],
            forgets: vec![],
            preconditions: vec![],
            holds: vec![],
            idempotency: None,
        };
        self.log.append(submission).await.map_err(|error| match error {
            AppendError::Conflict { .. } => AggregateError::AggregateConflict,
            error => unexpected(error),
        })?;
        let envelope = |(payload, sequence)| EventEnvelope {
            aggregate_id: context.id.clone(),
            sequence,
            payload,
            metadata: metadata.clone(),
        };
        Ok(events
            .into_iter()
            .zip(context.version as usize + 1..)
            .map(envelope)
            .collect())
    }
}
