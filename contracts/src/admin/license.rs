//! Licenses, and what operators do to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::nullable;

/// `POST /api/admin/licenses`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "customer_id": "0198f0c2-6a3e-7c11-9d55-2f0f6f1f9a10", "policy": "studio-team", "count": 1
})))]
pub struct CreateLicenses {
    /// Who gets them.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub customer_id: String,
    /// The policy, by code or id.
    pub policy: String,
    /// How many; 1 to 1,000, default 1.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub count: Option<i64>,
    /// Seats in place of the policy's.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub seats: Option<i64>,
    /// When they begin; default now.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub valid_from: Option<String>,
    /// When they end; default after the policy's duration.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: Option<String>,
    /// Features on top of the policy's.
    #[serde(default, deserialize_with = "crate::unique::read_values")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::BTreeMap<String, crate::shapes::FeatureValue>>))]
    pub features: Option<BTreeMap<String, Value>>,
    /// Limits on top of the policy's.
    #[serde(default, deserialize_with = "crate::unique::read_values")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::BTreeMap<String, crate::shapes::LimitValue>>))]
    pub limits: Option<BTreeMap<String, Value>>,
    /// Free text about them.
    pub note: Option<String>,
}

/// `PATCH /api/admin/licenses/{id}`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"seats": 10, "note": "for the lab"})))]
pub struct EditLicense {
    /// Seats in place of the policy's; `null` follows the policy.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>, minimum = 1, maximum = 1_000_000))]
    pub seats: Option<Option<i64>>,
    /// Features on top of the policy's.
    #[serde(default, deserialize_with = "crate::unique::read_values")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::BTreeMap<String, crate::shapes::FeatureValue>>))]
    pub features: Option<BTreeMap<String, Value>>,
    /// Limits on top of the policy's.
    #[serde(default, deserialize_with = "crate::unique::read_values")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::BTreeMap<String, crate::shapes::LimitValue>>))]
    pub limits: Option<BTreeMap<String, Value>>,
    /// When it begins.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub valid_from: Option<String>,
    /// When it ends; `null` is never.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
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

/// A change that may say why, such as `POST /api/admin/licenses/{id}/suspend`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WithReason {
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
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: Option<String>,
    /// The reason, in the words of whoever asked; at most 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A license as operators see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct License {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// Its key in full; only where it was just issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its key, all but the last group hidden.
    pub key_masked: String,
    /// `active`, `suspended`, `revoked`, `expired`, `not_yet_valid` or `retired`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::LicenseStatus))]
    pub status: String,
    /// The customer's id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub customer_id: String,
    /// The customer's name; `null` once it was forgotten.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub customer: Option<String>,
    /// The policy's id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub policy_id: String,
    /// The policy's code.
    pub policy: String,
    /// The version of the policy that it is judged under now.
    pub policy_version: u32,
    /// The product's code.
    pub product: String,
    /// How many machines may be active at once.
    pub seats: u32,
    /// The same where it is the license's own; `null` where the policy says it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub seats_override: Option<u32>,
    /// How many are.
    pub active: u32,
    /// When it begins.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub valid_from: String,
    /// When it ends; `null` is never.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub expires_at: Option<String>,
    /// Features in force.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, crate::shapes::FeatureValue>))]
    pub features: BTreeMap<String, Value>,
    /// Limits in force, as they were given.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, crate::shapes::LimitValue>))]
    pub limits: BTreeMap<String, Value>,
    /// Free text about it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub note: Option<String>,
    /// When it was issued.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// When one of its machines reported last; in lists alone, and where one has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub last_seen_at: Option<String>,
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
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// The key in full.
    pub key: String,
}

/// `POST /api/admin/licenses/{id}/transfer`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransferSeat {
    /// The activation that gives its seat.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub from_activation_id: String,
    /// What the machine is known by that gets the seat.
    #[serde(default, deserialize_with = "crate::object::read")]
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
