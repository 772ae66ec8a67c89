//! Recently used aggregates in memory, and the five steps of a command on them.
//!
//! A command on a hot aggregate costs one append and no read. Commands on one aggregate are decided one after another
//! on a *speculative* state, which includes what is queued and not yet durable, so that many commands on one license
//! share a transaction. What is answered rests on durable state only: an acceptance waits for its own append, and a
//! refusal or a "nothing to do" waits for what it rests on, then makes sure that no other node has moved on.

mod cache;
mod entry;
mod execute;

use licet_domain::Decider;
use uuid::Uuid;

pub use cache::Aggregates;

use crate::{
    AppendError, Metadata, ReadError, Tenant,
    submission::{Claim, IdempotentAnswer, Precondition, Release},
};

/// A state with the version and position that it stands for.
#[derive(Debug, Clone)]
pub struct Versioned<S> {
    /// What the events amount to.
    pub state: S,
    /// The sequence of the newest event; 0 when there is none.
    pub version: u64,
    /// The position of the newest event; 0 when there is none.
    pub position: i64,
}

/// What a command did.
#[derive(Debug, Clone)]
pub struct Executed<D: Decider> {
    /// What was recorded; empty when it was so already.
    pub events: Vec<D::Event>,
    /// The state after it.
    pub state: D::State,
    /// The version after it.
    pub version: u64,
    /// The position of the change; of the aggregate's newest event when nothing was recorded.
    pub position: i64,
}

/// Why a command did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R: std::error::Error> {
    /// The rules, or what prepared the command, said no.
    #[error(transparent)]
    Rejected(R),
    /// The log said no.
    #[error(transparent)]
    Append(AppendError),
    /// The history could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What goes into the log beside the aggregate's own events.
#[derive(Clone)]
pub struct Envelope {
    /// Whose it is.
    pub tenant: Tenant,
    /// Who orders it.
    pub metadata: Metadata,
    /// Names the order.
    pub command_id: Uuid,
    /// Values to take.
    pub claims: Vec<Claim>,
    /// Values to set free.
    pub releases: Vec<Release>,
    /// People who are forgotten with it: their keys are destroyed in the same transaction.
    pub forgets: Vec<Uuid>,
    /// What must hold under the lock.
    pub preconditions: Vec<Precondition>,
}

/// Builds the answer to keep for a repeated request out of what the command did.
pub type AnswerFor<'a, D> =
    &'a (dyn Fn(&[<D as Decider>::Event], &<D as Decider>::State) -> Option<IdempotentAnswer> + Sync);
