//! What `GET /api/admin/audit/verification` tells.

use serde::{Deserialize, Serialize};

/// How far the walk is, event `progress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationProgress {
    /// The position that was reached.
    pub position: i64,
    /// Where the log ends.
    pub head: i64,
}

/// What the walk found, event `report`: the last one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationReport {
    /// How many events were walked.
    pub events: u64,
    /// The last position that holds.
    pub position: i64,
    /// How many signed checkpoints agree.
    pub checkpoints: u64,
    /// How many months were walked in the archive.
    pub segments: u64,
    /// Months of the archive that are not at hand: what their signed manifests say was believed.
    pub not_at_hand: Vec<String>,
    /// The first thing that does not hold; `null` when all is well.
    pub fault: Option<VerificationFault>,
}

/// The first thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationFault {
    /// The event's position in the log.
    pub position: i64,
    /// What does not hold, for people.
    pub what: String,
}
