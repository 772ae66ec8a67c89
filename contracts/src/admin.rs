//! What operators' scripts send and get.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::nullable;

/// `POST /api/admin/products`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"code": "studio", "name": "Studio"})))]
pub struct CreateProduct {
    /// Unique; `a-z 0-9 . _ -`.
    pub code: String,
    /// For people.
    pub name: String,
}

/// `PATCH /api/admin/products/{id}`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditProduct {
    /// For people.
    pub name: Option<String>,
    /// The lowest version that may run, as semver; `null` lets every version run again.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "nullable::read"
    )]
    pub min_version: Option<Option<String>>,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Product {
    /// Its id.
    pub id: String,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The lowest version that may run.
    pub min_version: Option<String>,
    /// `active` or `retired`.
    pub status: String,
    /// When it was taken up.
    pub created_at: String,
}

/// `PATCH /api/admin/policies/{id}`, and the terms of `POST /api/admin/policies`; what is absent stays or has its default.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyTerms {
    /// How many machines may be active at once; 1 to 1,000,000.
    pub seats: Option<i64>,
    /// How long a license lives, in days; `null` is for ever.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>))]
    pub duration_days: Option<Option<i64>>,
    /// What the duration is counted from: `creation` (default) or `first_activation`.
    pub duration_from: Option<String>,
    /// How long it works after its end, in days; 7.
    pub grace_days: Option<i64>,
    /// On how many components a machine must agree; 2.
    pub fingerprint_match: Option<i64>,
    /// Which extra components count; none.
    pub fingerprint_extra: Option<Vec<String>>,
    /// How often a machine reports, in seconds; 900.
    pub heartbeat_interval_seconds: Option<i64>,
    /// How many beats in a row may be missed before a floating seat falls free; 2.
    pub heartbeat_grace: Option<i64>,
    /// How long a machine may run offline, in days; 7.
    pub lease_days: Option<i64>,
    /// Whether a seat is held by heartbeats only; false.
    pub floating: Option<bool>,
    /// How often seats may move; `null` is without bound.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>))]
    pub max_transfers: Option<Option<i64>>,
    /// Over how many days transfers are counted; `null` is over the license's whole life.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>))]
    pub transfer_period_days: Option<Option<i64>>,
    /// Features by name: `true`, `false` or the time at which one ends.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub features: Option<BTreeMap<String, Value>>,
    /// Usage limits by meter: a number (hard), `{"limit": n, "overage": "soft"}` or `{"limit": n, "overage_percent": p}`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
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
    pub id: String,
    /// Its code.
    pub code: String,
    /// The product's id.
    pub product_id: String,
    /// Counts the terms that it has had.
    pub version: u32,
    /// How many machines may be active at once.
    pub seats: u32,
    /// How long a license lives, in days.
    pub duration_days: Option<u32>,
    /// What the duration is counted from: `creation` or `first_activation`.
    pub duration_from: String,
    /// How long it works after its end, in days.
    pub grace_days: u32,
    /// On how many components a machine must agree.
    pub fingerprint_match: u8,
    /// Which extra components count.
    pub fingerprint_extra: Vec<String>,
    /// How often a machine reports, in seconds.
    pub heartbeat_interval_seconds: u32,
    /// How many beats in a row may be missed before a floating seat falls free.
    pub heartbeat_grace: u32,
    /// How long a machine may run offline, in days.
    pub lease_days: u32,
    /// Whether a seat is held by heartbeats only.
    pub floating: bool,
    /// How often seats may move.
    pub max_transfers: Option<u32>,
    /// Over how many days transfers are counted; `null` is over the license's whole life.
    pub transfer_period_days: Option<u32>,
    /// Features by name.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub features: BTreeMap<String, Value>,
    /// Usage limits by meter, as they were given.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub limits: BTreeMap<String, Value>,
    /// `active` or `retired`.
    pub status: String,
    /// When it was taken up.
    pub created_at: String,
}

/// `POST /api/admin/customers`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"name": "Universität Wien", "email": "licenses@univie.ac.at"})))]
pub struct CreateCustomer {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// The company.
    pub company: Option<String>,
}

/// `PATCH /api/admin/customers/{id}`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditCustomer {
    /// The name.
    pub name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// The company; `null` takes it away.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub company: Option<Option<String>>,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Customer {
    /// Its id.
    pub id: String,
    /// The name; `null` once it was forgotten.
    pub name: Option<String>,
    /// The mail address; `null` once it was forgotten.
    pub email: Option<String>,
    /// The company.
    pub company: Option<String>,
    /// Whether the personal data was destroyed.
    pub forgotten: bool,
    /// `active` or `retired`.
    pub status: String,
    /// When it was taken up.
    pub created_at: String,
}

/// `POST /api/admin/licenses`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "customer_id": "0198f0c2-6a3e-7c11-9d55-2f0f6f1f9a10", "policy": "studio-team", "count": 1
})))]
pub struct CreateLicenses {
    /// Who gets them.
    pub customer_id: String,
    /// The policy, by code or id.
    pub policy: String,
    /// How many; 1 to 1,000, default 1.
    pub count: Option<i64>,
    /// Seats in place of the policy's.
    pub seats: Option<i64>,
    /// When they begin; default now.
    pub valid_from: Option<String>,
    /// When they end; default after the policy's duration.
    pub expires_at: Option<String>,
    /// Features on top of the policy's.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub features: Option<BTreeMap<String, Value>>,
    /// Limits on top of the policy's.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub limits: Option<BTreeMap<String, Value>>,
    /// Free text about them.
    pub note: Option<String>,
}

/// `PATCH /api/admin/licenses/{id}`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditLicense {
    /// Seats in place of the policy's; `null` follows the policy.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>))]
    pub seats: Option<Option<i64>>,
    /// Features on top of the policy's.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub features: Option<BTreeMap<String, Value>>,
    /// Limits on top of the policy's.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub limits: Option<BTreeMap<String, Value>>,
    /// When it begins.
    pub valid_from: Option<String>,
    /// When it ends; `null` is never.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub expires_at: Option<Option<String>>,
    /// Free text about it; `null` takes it away.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub note: Option<Option<String>>,
}

/// `POST /api/admin/licenses/{id}/suspend`, `resume` and `revoke`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeLicense {
    /// Why; it stands in the license's history.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `POST /api/admin/licenses/{id}/renew`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenewLicense {
    /// The new end; default is the policy's duration after the present end, or after now where that is past.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A license as operators see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct License {
    /// Its id.
    pub id: String,
    /// Its key in full; only where it was just issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its key, all but the last group hidden.
    pub key_masked: String,
    /// `active`, `suspended`, `revoked`, `expired`, `not_yet_valid` or `retired`.
    pub status: String,
    /// The customer's id.
    pub customer_id: String,
    /// The policy's id.
    pub policy_id: String,
    /// The policy's code.
    pub policy: String,
    /// The version of the policy that it is judged under now.
    pub policy_version: u32,
    /// The product's code.
    pub product: String,
    /// How many machines may be active at once.
    pub seats: u32,
    /// How many are.
    pub active: u32,
    /// When it begins.
    pub valid_from: String,
    /// When it ends; `null` is never.
    pub expires_at: Option<String>,
    /// Features in force.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub features: BTreeMap<String, Value>,
    /// Limits in force, as they were given.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub limits: BTreeMap<String, Value>,
    /// Free text about it.
    pub note: Option<String>,
    /// When it was issued.
    pub created_at: String,
}

/// The answer to `POST /api/admin/licenses`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssuedLicenses {
    /// The licenses, each with its key in full.
    pub items: Vec<License>,
}

/// The answer to `POST /api/admin/licenses/{id}/reveal-key`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevealedKey {
    /// The license's id.
    pub id: String,
    /// The key in full.
    pub key: String,
}

/// `POST /api/admin/releases`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"product": "studio", "version": "1.4.2", "min_version": "1.2.0"})))]
pub struct CreateRelease {
    /// The product, by code or id.
    pub product: String,
    /// The version, as semver.
    pub version: String,
    /// The channel; default `stable`.
    pub channel: Option<String>,
    /// Whether programs must update to it.
    pub mandatory: Option<bool>,
    /// The lowest version that may still run.
    pub min_version: Option<String>,
    /// Where to fetch it.
    pub download_url: Option<String>,
    /// SHA-256 of the download, hexadecimal.
    pub sha256: Option<String>,
    /// What is new.
    pub notes: Option<String>,
    /// To how many percent of the machines it is offered, always the same ones first; default 100.
    pub rollout_percent: Option<i64>,
}

/// `PATCH /api/admin/releases/{id}`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditRelease {
    /// To how many percent of the machines it is offered.
    pub rollout_percent: i64,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Release {
    /// Its id.
    pub id: String,
    /// The product's id.
    pub product_id: String,
    /// The version.
    pub version: String,
    /// The channel.
    pub channel: String,
    /// Whether programs must update to it.
    pub mandatory: bool,
    /// The lowest version that may still run.
    pub min_version: Option<String>,
    /// Where to fetch it.
    pub download_url: Option<String>,
    /// SHA-256 of the download.
    pub sha256: Option<String>,
    /// What is new.
    pub notes: Option<String>,
    /// To how many percent of the machines it is offered.
    pub rollout_percent: u8,
    /// `published` or `yanked`.
    pub status: String,
    /// When it was published.
    pub created_at: String,
}

/// `POST /api/admin/api-keys`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"name": "studio 1.4", "scopes": ["client"]})))]
pub struct CreateApiKey {
    /// For people.
    pub name: String,
    /// `client`, `read`, `admin`.
    pub scopes: Vec<String>,
    /// When it ends by itself.
    pub expires_at: Option<String>,
}

/// `POST /api/admin/api-keys/{id}/rotate`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RotateApiKey {
    /// For how many seconds the old key goes on opening what it opened; default a day, at most 90 days.
    pub overlap_seconds: Option<i64>,
}

/// An API key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKey {
    /// Its id.
    pub id: String,
    /// The secret for `X-API-Key`; only where it was just made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The secret's first characters.
    pub prefix: String,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it ends by itself.
    pub expires_at: Option<String>,
    /// When it was last used, to about half a minute.
    pub last_used_at: Option<String>,
    /// `active`, `expired` or `revoked`.
    pub status: String,
    /// When it was made.
    pub created_at: String,
}

/// An event of a resource's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Its place in the one order of events.
    pub position: i64,
    /// Its place in the resource's history.
    pub sequence: i64,
    /// What happened, such as `license.activated`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of `data`'s shape.
    pub version: String,
    /// What is recorded; personal data is sealed.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub data: Value,
    /// When it was recorded.
    pub recorded_at: String,
    /// What kind of someone did it.
    pub actor_kind: String,
    /// Who did it.
    pub actor_id: String,
    /// Under which request.
    pub request_id: String,
}

/// An entry of the audit trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// The event's place in the one order of events.
    pub position: i64,
    /// When.
    pub recorded_at: String,
    /// What kind of someone.
    pub actor_kind: String,
    /// Who.
    pub actor_id: String,
    /// What, such as `license.suspended`.
    pub action: String,
    /// To what kind of thing.
    pub aggregate_type: String,
    /// To which.
    pub aggregate_id: String,
    /// Under which request.
    pub request_id: String,
    /// Joins everything that one cause set off.
    pub correlation_id: String,
    /// From which address.
    pub client_address: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
}

/// `POST /api/admin/licenses/{id}/transfer`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransferSeat {
    /// The activation that gives its seat.
    pub from_activation_id: String,
    /// What the machine is known by that gets the seat.
    pub fingerprint: Option<crate::license::Fingerprint>,
    /// The machine's name.
    pub hostname: Option<String>,
    /// The operating system.
    pub os: Option<String>,
    /// Why; it stands in the license's history.
    pub reason: Option<String>,
}

/// `POST /api/admin/licenses/{id}/check-out`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckOut {
    /// The text of the machine's request file, as `licet-client request` writes it.
    pub request: String,
    /// For how many days; 1 to 366, and not beyond the license's own end and grace.
    pub days: i64,
}

/// A key that signs, or has signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SigningKey {
    /// The key's id, as in the published key set.
    pub kid: String,
    /// When it was made.
    pub created_at: String,
    /// Whether it is the one that signs now.
    pub signs: bool,
}

/// `GET /api/admin/signing-keys`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SigningKeys {
    /// Newest first.
    pub items: Vec<SigningKey>,
}
