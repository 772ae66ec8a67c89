//! What operators ask about a license's use and refusals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A beat.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeartbeatEntry {
    /// Its place in the one order of events.
    pub position: i64,
    /// The machine.
    pub activation_id: String,
    /// When it was recorded.
    pub recorded_at: String,
    /// What was answered.
    pub code: String,
    /// Users on the machine.
    pub active_users: Option<i64>,
    /// The program's version.
    pub app_version: Option<String>,
    /// How often each feature was used.
    pub features: BTreeMap<String, u64>,
    /// How much of each meter was used.
    pub usage: BTreeMap<String, u64>,
}

/// Beats, machines and users of an hour or a day.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityBucket {
    /// When it begins, in UTC.
    pub since: String,
    /// How many beats.
    pub beats: i64,
    /// From how many machines.
    pub machines: i64,
    /// The sum of each machine's most users.
    pub active_users: i64,
}

/// How often a feature was used on a day.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeatureCount {
    /// The feature.
    pub feature: String,
    /// The day, by its beginning in UTC.
    pub day: String,
    /// How often.
    pub count: i64,
}

/// How much of a meter was used in a billing period.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeterAmount {
    /// The meter.
    pub meter: String,
    /// The billing period, by its beginning: the first of a month in UTC; or the day, by its beginning.
    pub period: String,
    /// How much.
    pub amount: i64,
    /// How much a period includes now; `null` when the meter has no limit any more, and for days.
    pub limit: Option<u64>,
}

/// A license's figures over its whole life.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageStats {
    /// How many beats.
    pub beats: i64,
    /// How many machines have ever reported.
    pub machines: i64,
    /// The first beat.
    pub first_beat_at: Option<String>,
    /// The newest beat.
    pub last_beat_at: Option<String>,
    /// The most machines in one hour.
    pub peak_machines: i64,
    /// The most users in one hour.
    pub peak_users: i64,
}

/// What a machine was refused, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Decision {
    /// Its place in the one order of events.
    pub position: i64,
    /// The license.
    pub license_id: String,
    /// A digest of what the machine is known by; `null` where it did not say.
    pub machine: Option<String>,
    /// The machine's activation, where it has one.
    pub activation_id: Option<String>,
    /// What it wanted: `activate`, `verify`, `heartbeat` or `transfer`.
    pub asked: String,
    /// What was answered.
    pub code: String,
    /// The policy's version under which it was judged.
    pub policy_version: i32,
    /// What decided.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub facts: Value,
    /// How often within the hour.
    pub count: i64,
    /// The first time.
    pub decided_at: String,
    /// The last time that is known.
    pub last_at: String,
}

/// A list that a time range bounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Series<T> {
    /// The range's beginning.
    pub from: String,
    /// The range's end.
    pub to: String,
    /// What lies in it, in order.
    pub items: Vec<T>,
}
