//! Webhooks, as operators' scripts see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::nullable;

/// What a webhook subscribes to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subscription {
    /// Where to deliver: `https://…` or `http://…`.
    #[cfg_attr(feature = "openapi", schema(format = "uri"))]
    pub url: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Event types, such as `license.revoked` or `license.*`; none is all but those of operators and their sessions.
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
    #[cfg_attr(feature = "openapi", schema(format = "uri"))]
    pub url: Option<String>,
    /// For people; `null` takes it away.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub description: Option<Option<String>>,
    /// Event types; none is all but those of operators and their sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_types: Option<Vec<String>>,
    /// What must be equal.
    #[serde(
        default,
        deserialize_with = "crate::unique::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub filters: Option<BTreeMap<String, String>>,
}

/// A webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Webhook {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// Where it delivers.
    #[cfg_attr(feature = "openapi", schema(format = "uri"))]
    pub url: String,
    /// For people.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub description: Option<String>,
    /// Event types; none is all but those of operators and their sessions.
    pub event_types: Vec<String>,
    /// What must be equal.
    pub filters: BTreeMap<String, String>,
    /// `active`, or `retired`: it delivers nothing any more.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ResourceStatus))]
    pub status: String,
    /// What signs its deliveries (Standard Webhooks); only where it was just made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
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
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::DeliveryStatus))]
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was queued.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// When it is tried next; `null` once it is settled.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub next_attempt_at: Option<String>,
    /// When it was delivered or given up.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub settled_at: Option<String>,
    /// The target's last HTTP status.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub last_status: Option<i32>,
    /// Why the last try failed.
    #[cfg_attr(feature = "openapi", schema(required))]
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
    #[cfg_attr(feature = "openapi", schema(required))]
    pub status: Option<u16>,
    /// Why it did not take it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error: Option<String>,
}
