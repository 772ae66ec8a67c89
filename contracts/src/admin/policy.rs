//! Policies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::nullable;

/// `PATCH /api/admin/policies/{id}`, and the terms of `POST /api/admin/policies`; what is absent stays or has its default.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"seats": 10})))]
pub struct PolicyTerms {
    /// How many machines may be active at once; 1 to 1,000,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub seats: Option<i64>,
    /// How long a license lives, in days; `null` is for ever.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>, minimum = 1, maximum = 36_525))]
    pub duration_days: Option<Option<i64>>,
    /// What the duration is counted from: `creation` (default) or `first_activation`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::shapes::DurationFrom>))]
    pub duration_from: Option<String>,
    /// How long it works after its end, in days; 7.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 3650))]
    pub grace_days: Option<i64>,
    /// On how many components a machine must agree; 2.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10))]
    pub fingerprint_match: Option<i64>,
    /// Which extra components count; none.
    pub fingerprint_extra: Option<Vec<String>>,
    /// Which components must not differ where both sides have them: `mac_addresses`, `cpu_id`, `system_uuid`,
    /// `machine_id` and names in `fingerprint_extra`; `["system_uuid"]`.
    pub fingerprint_veto: Option<Vec<String>>,
    /// How often a machine reports, in seconds; 900.
    #[cfg_attr(feature = "openapi", schema(minimum = 60, maximum = 86_400))]
    pub heartbeat_interval_seconds: Option<i64>,
    /// How many beats in a row may be missed before a floating seat falls free; 2.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub heartbeat_grace: Option<i64>,
    /// How long a machine may run offline, in days; 7.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 366))]
    pub lease_days: Option<i64>,
    /// Whether a seat is held by heartbeats only; false.
    pub floating: Option<bool>,
    /// How often seats may move; `null` is without bound.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>, minimum = 0))]
    pub max_transfers: Option<Option<i64>>,
    /// Over how many days transfers are counted; `null` is over the license's whole life.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>, minimum = 1, maximum = 3650))]
    pub transfer_period_days: Option<Option<i64>>,
    /// Features by name: `true`, `false` or the time at which one ends.
    #[serde(default, deserialize_with = "crate::unique::read_values")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::BTreeMap<String, crate::shapes::FeatureValue>>))]
    pub features: Option<BTreeMap<String, Value>>,
    /// Usage limits by meter: a number (hard), `{"limit": n, "overage": "soft"}` or `{"limit": n, "overage_percent": p}`.
    #[serde(default, deserialize_with = "crate::unique::read_values")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::BTreeMap<String, crate::shapes::LimitValue>>))]
    pub limits: Option<BTreeMap<String, Value>>,
}

/// `POST /api/admin/policies`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "code": "studio-team", "product": "studio", "seats": 5, "duration_days": 365, "features": {"export": true}
})))]
pub struct CreatePolicy {
    /// Unique; `a-z 0-9 . _ -`.
    pub code: String,
    /// The product, by code or id.
    pub product: String,
    /// What it grants and asks.
    #[serde(flatten)]
    pub terms: PolicyTerms,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Policy {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// Its code.
    pub code: String,
    /// The product's id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub product_id: String,
    /// Counts the terms that it has had.
    pub version: u32,
    /// How many machines may be active at once.
    pub seats: u32,
    /// How long a license lives, in days.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub duration_days: Option<u32>,
    /// What the duration is counted from: `creation` or `first_activation`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::DurationFrom))]
    pub duration_from: String,
    /// How long it works after its end, in days.
    pub grace_days: u32,
    /// On how many components a machine must agree.
    pub fingerprint_match: u8,
    /// Which extra components count.
    pub fingerprint_extra: Vec<String>,
    /// Which components must not differ where both sides have them.
    pub fingerprint_veto: Vec<String>,
    /// How often a machine reports, in seconds.
    pub heartbeat_interval_seconds: u32,
    /// How many beats in a row may be missed before a floating seat falls free.
    pub heartbeat_grace: u32,
    /// How long a machine may run offline, in days.
    pub lease_days: u32,
    /// Whether a seat is held by heartbeats only.
    pub floating: bool,
    /// How often seats may move.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub max_transfers: Option<u32>,
    /// Over how many days transfers are counted; `null` is over the license's whole life.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub transfer_period_days: Option<u32>,
    /// Features by name.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, crate::shapes::FeatureValue>))]
    pub features: BTreeMap<String, Value>,
    /// Usage limits by meter, as they were given.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, crate::shapes::LimitValue>))]
    pub limits: BTreeMap<String, Value>,
    /// `active` or `retired`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ResourceStatus))]
    pub status: String,
    /// When it was taken up.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
}
