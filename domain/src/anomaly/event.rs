//! What is recorded of an anomaly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::values::{AnomalyId, LicenseId, Timestamp};

crate::events! {
    /// What is recorded of an anomaly.
    pub enum AnomalyEvent {
        /// A rule found it.
        Found(AnomalyFound) = ("anomaly.found", 1),
        /// Someone looks into it.
        Acknowledged(AnomalyJudged) = ("anomaly.acknowledged", 1),
        /// Someone says that it is nothing.
        Dismissed(AnomalyJudged) = ("anomaly.dismissed", 1),
        /// It is looked at again.
        Reopened(AnomalyJudged) = ("anomaly.reopened", 1),
    }
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Worth a look.
    Medium,
    /// Worth a look today.
    High,
}

/// A rule found something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnomalyFound {
    /// Its id.
    pub anomaly_id: AnomalyId,
    /// The rule's name.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// The license; absent where it is about none, as in guessing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_id: Option<LicenseId>,
    /// What was counted, and against what.
    pub facts: BTreeMap<String, Value>,
    /// Positions of the events that show it, at most 100.
    pub evidence: Vec<i64>,
    /// When it began.
    pub from: Timestamp,
    /// When it ended, as far as it was seen.
    pub to: Timestamp,
    /// When it was found.
    pub at: Timestamp,
}

/// What a person made of it; who that was stands in the metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnomalyJudged {
    /// The reason, in the words of whoever asked; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}
