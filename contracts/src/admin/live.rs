//! What `GET /api/admin/live` tells.

use serde::{Deserialize, Serialize};

/// How many there are, event `counters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Licenses in the books.
    pub licenses: i64,
    /// Those that may be used, or wait for their beginning.
    pub active: i64,
    /// Those that were suspended.
    pub suspended: i64,
    /// Customers in the books.
    pub customers: i64,
    /// Machines with a seat.
    pub devices: i64,
}

/// That something happened to a thing: events `anomaly` and `sessions`, and `activity` for who may not read the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveChange {
    /// The thing.
    pub id: String,
    /// What happened, such as `license.suspended`.
    pub action: String,
}

/// How a read model stands, event `projectors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectorState {
    /// Its name.
    pub name: String,
    /// How many positions of the log it has not folded yet.
    pub behind: i64,
    /// Why it stands still, where it does.
    pub stopped_by: Option<String>,
}
