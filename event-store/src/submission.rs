//! What is handed to the log in one piece, and what comes back.

use licet_domain::{
    SeatHold,
    values::{ActivationId, Timestamp},
};
use uuid::Uuid;

use crate::{
    Tenant,
    envelope::{LogTable, NewEvent},
    metadata::Metadata,
};

/// One order's outcome: it goes in whole or not at all.
pub struct Submission {
    /// Whose it is.
    pub tenant: Tenant,
    /// Names the order, so that it goes in once even when the commit's answer is lost.
    pub command_id: Uuid,
    /// Who ordered it.
    pub metadata: Metadata,
    /// The events, by stream.
    pub streams: Vec<StreamEvents>,
    /// Values to take; each must be free.
    pub claims: Vec<Claim>,
    /// Values to set free.
    pub releases: Vec<Release>,
    /// People who are forgotten with it: their keys are destroyed in the same transaction.
    pub forgets: Vec<Uuid>,
    /// What must hold under the log's lock.
    pub preconditions: Vec<Precondition>,
    /// Floating seats to take, to hold or to free.
    pub holds: Vec<SeatHold>,
    /// The answer to keep for a repeated request.
    pub idempotency: Option<IdempotentAnswer>,
}

impl Submission {
    /// Whether there is nothing but beats in it: nothing to look up, and nothing to write beside them.
    pub(crate) fn is_beats(&self) -> bool {
        self.streams.iter().all(|stream| stream.table == LogTable::Heartbeats)
            && self.claims.is_empty()
            && self.releases.is_empty()
            && self.forgets.is_empty()
            && self.preconditions.is_empty()
            && self.holds.is_empty()
            && self.idempotency.is_none()
    }
}

/// Events for one aggregate.
pub struct StreamEvents {
    /// Which table.
    pub table: LogTable,
    /// The aggregate's kind.
    pub aggregate_type: &'static str,
    /// The aggregate's id.
    pub aggregate_id: String,
    /// The sequence of the newest event that the order was decided on; ignored outside [`LogTable::Events`].
    pub expected_version: u64,
    /// What happened.
    pub events: Vec<NewEvent>,
}

impl StreamEvents {
    /// Whether they continue an aggregate's history; beats and refusals are none, and nothing rests on how many there are.
    pub(crate) fn has_version(&self) -> bool {
        self.table == LogTable::Events
    }
}

/// Takes a value for an aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    /// What kind of value, such as `product_code`.
    pub kind: &'static str,
    /// The value's hash under the tenant's look-up key.
    pub value_hash: [u8; 32],
    /// Who gets it.
    pub aggregate_id: String,
}

/// Sets a value free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// What kind of value.
    pub kind: &'static str,
    /// The value's hash.
    pub value_hash: [u8; 32],
}

/// What must hold under the log's lock, beside the versions of the streams that are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// An aggregate that was only looked at has not changed since.
    StreamUnchanged {
        /// The aggregate's kind.
        aggregate_type: &'static str,
        /// The aggregate's id.
        aggregate_id: String,
        /// The sequence of its newest event when it was looked at.
        version: u64,
    },
    /// A floating seat's hold has run out by the database's clock.
    HoldExpired {
        /// Whose seat.
        activation_id: ActivationId,
    },
}

/// The answer to keep for a repeated request; the position that it names is kept beside it.
#[derive(Debug, Clone)]
pub struct IdempotentAnswer {
    /// Hash of tenant, credential, route and key.
    pub scope_hash: [u8; 32],
    /// Hash of the request's body.
    pub request_hash: [u8; 32],
    /// The HTTP status.
    pub status: u16,
    /// The position that it tells of, where that is not the submission's own.
    pub position: Option<i64>,
    /// The sealed body.
    pub response: String,
}

/// Where a submission went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The position of its newest event; for one without events, the log's head.
    pub position: i64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

/// Why a submission did not go in. Nothing of it is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// An aggregate has moved on since it was looked at: load it again and decide anew.
    #[error("{aggregate_type} {aggregate_id} has changed meanwhile")]
    Conflict {
        /// The aggregate's kind.
        aggregate_type: &'static str,
        /// The aggregate's id.
        aggregate_id: String,
    },
    /// A value is taken by another aggregate.
    #[error("the {kind} is taken")]
    ClaimTaken {
        /// What kind of value.
        kind: &'static str,
        /// Who has it.
        holder: String,
    },
    /// A floating seat is not held any more, or is held still, where the submission rests on the other.
    #[error("the seat's hold is not as expected")]
    HoldChanged(ActivationId),
    /// A request with the same idempotency key went in first.
    #[error("a request with the same idempotency key went in first")]
    IdempotencyTaken,
    /// Too much is waiting; nothing was queued.
    #[error("the log's queue is full")]
    Overloaded,
    /// The database cannot be reached, or refused; whether it went in is known by the command id.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
}
