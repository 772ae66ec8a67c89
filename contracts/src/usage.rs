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
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub activation_id: String,
    /// When it was recorded.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub recorded_at: String,
    /// What was answered.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::Verdict))]
    pub code: String,
    /// Users on the machine.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub active_users: Option<i64>,
    /// The program's version.
    #[cfg_attr(feature = "openapi", schema(required))]
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
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
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
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
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
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub period: String,
    /// How much.
    pub amount: i64,
    /// How much a period includes now; `null` when the meter has no limit any more, and for days.
    #[cfg_attr(feature = "openapi", schema(required))]
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
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub first_beat_at: Option<String>,
    /// The newest beat.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
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
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub license_id: String,
    /// A digest of what the machine is known by; `null` where it did not say.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub machine: Option<String>,
    /// The machine's activation, where it has one.
    #[cfg_attr(feature = "openapi", schema(format = Uuid, required))]
    pub activation_id: Option<String>,
    /// What it wanted: `activate`, `verify`, `heartbeat` or `transfer`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::Asked))]
    pub asked: String,
    /// What was answered.
    pub code: String,
    /// The policy's version under which it was judged.
    pub policy_version: i32,
    /// What decided.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, Value>))]
    pub facts: Value,
    /// How often within the hour.
    pub count: i64,
    /// The first time.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub decided_at: String,
    /// The last time that is known.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub last_at: String,
}

/// A list that a time range bounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Series<T> {
    /// The range's beginning.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub from: String,
    /// The range's end.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub to: String,
    /// What lies in it, in order.
    pub items: Vec<T>,
}
