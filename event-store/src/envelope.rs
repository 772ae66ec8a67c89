//! An event as it is handed in and as it is read back.

use licet_domain::EventData;
use time::OffsetDateTime;
use uuid::Uuid;

/// The three tables of the log. They share one head and one order of positions; each has its own chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogTable {
    /// Kept for ever.
    Events,
    /// Kept 90 days online.
    Heartbeats,
    /// Kept 400 days online.
    Decisions,
}

impl LogTable {
    /// All of them, in the order in which checkpoints name their chains.
    pub const ALL: [Self; 3] = [Self::Events, Self::Heartbeats, Self::Decisions];

    /// The table's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Heartbeats => "heartbeat_events",
            Self::Decisions => "decision_events",
        }
    }
}

/// An event that is about to be recorded.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The stored name.
    pub event_type: &'static str,
    /// The version of the payload's shape.
    pub event_version: u16,
    /// The payload's exact JSON text.
    pub payload: String,
}

impl NewEvent {
    /// Encodes an aggregate's event.
    pub fn of<E: EventData>(event: &E) -> Self {
        Self {
            event_type: event.event_type(),
            event_version: event.event_version(),
            payload: event.encode(),
        }
    }
}

/// An event as the log holds it, payload and metadata as the exact text that was hashed.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEvent {
    /// Its place in the one order of all events, from 1, without gaps over the three tables together.
    pub position: i64,
    /// The aggregate's kind.
    pub aggregate_type: String,
    /// The aggregate's id.
    pub aggregate_id: String,
    /// Its place in the aggregate's history, from 1.
    pub sequence: i64,
    /// The stored name.
    pub event_type: String,
    /// The version of the payload's shape.
    pub event_version: String,
    /// JSON text.
    pub payload: String,
    /// JSON text; see [`crate::Metadata`].
    pub metadata: String,
    /// Whose it is.
    pub tenant_id: String,
    /// The order that it came from.
    pub command_id: Uuid,
    /// Its place among the events of that order, from 0.
    pub command_index: i32,
    /// When it was recorded, to the microsecond, by the database's clock; never runs backwards.
    pub recorded_at: OffsetDateTime,
}
