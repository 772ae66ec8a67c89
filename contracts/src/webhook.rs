//! Webhooks and anomalies, as operators' scripts see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::nullable;

/// What a webhook subscribes to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subscription {
    /// Where to deliver: `https://…` or `http://…`.
    pub url: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Event types, such as `license.revoked` or `license.*`; none is all.
    #[serde(default)]
    pub event_types: Vec<String>,
    /// What must be equal: `aggregate_id`, `aggregate_type`, or a field of the event's data.
    #[serde(default)]
    pub filters: BTreeMap<String, String>,
}

/// `POST /api/admin/webhooks`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"url": "https://example.com/hook", "event_types": ["license.*"]})))]
pub struct CreateWebhook {
    /// Where to deliver what.
    #[serde(flatten)]
    pub subscription: Subscription,
    /// Send everything after this position; default is from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_position: Option<i64>,
}

/// `PATCH /api/admin/webhooks/{id}`: what is absent stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"event_types": ["license.revoked"]})))]
pub struct EditWebhook {
    /// Where to deliver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// For people; `null` takes it away.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub description: Option<Option<String>>,
    /// Event types; none is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_types: Option<Vec<String>>,
    /// What must be equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<BTreeMap<String, String>>,
}

/// A webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Where it delivers what.
    #[serde(flatten)]
    pub subscription: Subscription,
    /// `active`, or `retired`: it delivers nothing any more.
    pub status: String,
    /// What signs its deliveries (Standard Webhooks); only where it was just made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// When it was made.
    pub created_at: String,
}

/// A delivery of a webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Delivery {
    /// The event's place in the one order of events.
    pub position: i64,
    /// The event's type.
    pub event_type: String,
    /// `pending`, `delivered` or `dead`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was queued.
    pub created_at: String,
    /// When it is tried next; `null` once it is settled.
    pub next_attempt_at: Option<String>,
    /// When it was delivered or given up.
    pub settled_at: Option<String>,
    /// The target's last HTTP status.
    pub last_status: Option<i32>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// A mail that was sent, is to be sent, or was given up. Names and addresses stand nowhere in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mail {
    /// Its id, which says what it is about.
    pub id: String,
    /// `expiry`, `revoked` or `anomaly`.
    pub kind: String,
    /// The license or anomaly that it is about.
    pub subject_id: String,
    /// `pending`, `sent` or `dead`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was queued.
    pub created_at: String,
    /// When it is tried next; `null` once it is settled.
    pub next_attempt_at: Option<String>,
    /// When it was sent.
    pub sent_at: Option<String>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// `POST /api/admin/webhooks/{id}/replay`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayWebhook {
    /// Send everything since this: a time or a position.
    pub since: String,
}

/// How a test delivery went.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TestedWebhook {
    /// Whether the target took it.
    pub delivered: bool,
    /// The target's HTTP status, if it answered.
    pub status: Option<u16>,
    /// Why it did not take it.
    pub error: Option<String>,
}

/// Something that looks wrong in a license's history.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Anomaly {
    /// Its id.
    pub id: String,
    /// The rule that found it.
    pub rule: String,
    /// `low`, `medium` or `high`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub severity: Value,
    /// `open`, `acknowledged` or `dismissed`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: Value,
    /// Why, where someone said so; who it was stands in its events.
    pub reason: Option<String>,
    /// The license; `null` where it is about none.
    pub license_id: Option<String>,
    /// What was counted, and against what.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub facts: BTreeMap<String, Value>,
    /// Positions of the events that show it.
    pub evidence: Vec<i64>,
    /// When it began.
    pub from: String,
    /// When it ended, as far as it was seen.
    pub to: String,
    /// When it was found.
    pub found_at: String,
}

/// `POST /api/admin/anomalies/rerun`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RerunAnomalies {
    /// The range's beginning, RFC 3339.
    pub from: String,
    /// The range's end; default now.
    #[serde(default)]
    pub to: Option<String>,
    /// Only this license; default is every license of which something was recorded.
    #[serde(default)]
    pub license_id: Option<String>,
}

/// What running the rules again gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RerunResult {
    /// How many licenses were looked at.
    pub licenses: u64,
    /// How many anomalies were found that were not known before.
    pub found: u64,
}
