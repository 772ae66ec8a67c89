//! Orders to an anomaly.

use super::{event::AnomalyFound, state::Judgment};
use crate::values::Timestamp;

/// An order to an anomaly.
#[derive(Debug, Clone)]
pub enum AnomalyCommand {
    /// Records it; rule, license and day are claimed in the same submission, so that it is found once.
    Find(Box<AnomalyFound>),
    /// Says what a person makes of it.
    Judge {
        /// What people make of it from now on.
        judgment: Judgment,
        /// The reason, in the words of whoever asked; at most 500 characters.
        reason: Option<String>,
        /// Now.
        at: Timestamp,
    },
}
