//! Anomalies, as operators' scripts see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that looks wrong in a license's history.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Anomaly {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// The rule that found it.
    pub rule: String,
    /// `low`, `medium` or `high`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::Severity))]
    pub severity: Value,
    /// `open`, `acknowledged` or `dismissed`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::AnomalyState))]
    pub state: Value,
    /// Why, where someone said so; who it was stands in its events.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub reason: Option<String>,
    /// The license; `null` where it is about none.
    #[cfg_attr(feature = "openapi", schema(format = Uuid, required))]
    pub license_id: Option<String>,
    /// What was counted, and against what.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, Value>))]
    pub facts: BTreeMap<String, Value>,
    /// Positions of the events that show it.
    pub evidence: Vec<i64>,
    /// When it began.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub from: String,
    /// When it ended, as far as it was seen.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub to: String,
    /// When it was found.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub found_at: String,
}

/// `POST /api/admin/anomalies/rerun`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RerunAnomalies {
    /// The range's beginning, RFC 3339.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub from: String,
    /// The range's end; default now.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub to: Option<String>,
    /// Only this license; default is every license of which something was recorded.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub license_id: Option<String>,
    /// `next_cursor` of the answer before: the last license that was looked at.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub cursor: Option<String>,
}

/// What running the rules again gave: as many licenses as come to 4,000 days of history together, and one at least.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RerunResult {
    /// How many licenses were looked at.
    pub licenses: u64,
    /// How many anomalies were found that were not known before.
    pub found: u64,
    /// Where the next answer begins, as `cursor`; null where all licenses have been looked at.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub next_cursor: Option<String>,
}
