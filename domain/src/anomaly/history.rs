//! What the rules of anomalies look at, and what they find.

use std::collections::BTreeMap;

use serde_json::Value;

use super::event::Severity;
use crate::values::{ActivationId, Components, Timestamp};

/// Something that a license's machines did.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The event's position.
    pub position: i64,
    /// When it was recorded.
    pub at: Timestamp,
    /// The network that it came from, where that is known.
    pub network: Option<String>,
    /// What it was.
    pub seen: Seen,
    /// The figures to which a beat adds, by the names that [`Daily`] has.
    pub figures: Vec<String>,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// A machine took a seat as a new one; its hardware, by a digest, may have been here before.
    Activated {
        /// Which.
        machine: ActivationId,
        /// What it is known by.
        hardware: Option<String>,
    },
    /// A seat fell free, was taken again, or moved.
    SeatMoved(ActivationId),
    /// A machine gave its seat back, or lost it.
    Left(ActivationId),
    /// A machine reported, with its own clock where it told it.
    Beat {
        /// Which.
        machine: ActivationId,
        /// Whether it was told that it may run.
        valid: bool,
        /// What its clock showed.
        clock: Option<Timestamp>,
    },
}

/// One day's figure of a license, such as `meter/pages` or `machines`.
#[derive(Debug, Clone, PartialEq)]
pub struct Daily {
    /// What was counted.
    pub name: String,
    /// The days before, oldest first.
    pub past: Vec<u64>,
    /// The day in question.
    pub today: u64,
    /// When that day began.
    pub since: Timestamp,
}

/// What the rules look at: a stretch of a license's history, in order.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// How many seats the license has.
    pub seats: u32,
    /// How often its machines report, in seconds.
    pub interval_seconds: i64,
    /// What its machines did.
    pub observations: Vec<Observation>,
    /// Its figures by day.
    pub daily: Vec<Daily>,
    /// The machines that came within the last [`DRIFT_DAYS`](super::DRIFT_DAYS), in order.
    pub came: Vec<NewMachine>,
}

/// A machine that took a seat as a new one.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMachine {
    /// The event's position.
    pub position: i64,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
    /// What it is known by.
    pub components: Components,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was counted, and against what.
    pub facts: BTreeMap<String, Value>,
    /// Positions of the events that show it, at most 100.
    pub evidence: Vec<i64>,
    /// When it began and ended, where events show it.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// Events that are named as evidence at most.
pub(super) const EVIDENCE: usize = 100;
