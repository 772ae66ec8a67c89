//! The log, and what makes it trustworthy.
//!
//! What lives here: appending (group commit, claims, preconditions, idempotency), loading and tailing, the hash chain
//! and its signed checkpoints, snapshots and the aggregate cache, the vault with its sealing, the private Postgres
//! cluster, and the edge from which time and randomness enter. What must not: rules (they are in `licet-domain`),
//! read models, HTTP.

pub mod aggregates;
mod append;
mod appender;
pub mod archive;
pub mod audit;
pub mod backup;
pub mod chain;
pub mod checkpoint;
pub mod columnar;
pub mod cqrs_es;
pub mod edge;
pub mod embedded;
mod envelope;
pub mod epochs;
pub mod holds;
pub mod idempotency;
pub mod inspect;
mod invalidate;
pub mod jws;
mod keyring;
mod log;
mod metadata;
pub mod metrics;
mod moment;
pub mod niceness;
pub mod read;
pub mod schema;
mod session;
mod snapshots;
mod speculative_chain;
mod submission;
mod supervise;
pub mod traces;
mod upcast;
pub mod vault;

pub use aggregates::{Aggregates, Envelope, ExecuteError, Executed, Versioned};
pub use edge::Edge;
pub use envelope::{LogTable, NewEvent, RecordedEvent};
pub use keyring::{Keyring, RELOAD, RingKey};
pub use log::{EventLog, LogOptions, LogTasks};
pub use metadata::{Actor, ActorKind, Metadata};
pub use moment::AsOf;
pub use read::{ReadError, RecordedRow};
/// What a database says when it fails, for crates that do not speak SQL.
pub use sqlx::Error as StoreError;
pub use submission::{AppendError, Appended, Claim, IdempotentAnswer, Precondition, Release, StreamEvents, Submission};
pub use supervise::{caught, supervise};
pub use upcast::decode;

/// Whose data it is. Every envelope, claim, read model and query carries it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(std::sync::Arc<str>);

impl Tenant {
    /// The only tenant until there are more.
    pub const DEFAULT: &'static str = "default";

    /// Names a tenant.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The tenant's name, as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self::new(Self::DEFAULT)
    }
}
