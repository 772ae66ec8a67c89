//! Customers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AuditEntry, License};
use crate::nullable;

/// `POST /api/admin/customers`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"name": "Universität Wien", "email": "licenses@univie.ac.at"})))]
pub struct CreateCustomer {
    /// The name.
    pub name: String,
    /// The mail address.
    #[cfg_attr(feature = "openapi", schema(format = Email))]
    pub email: String,
    /// The company.
    pub company: Option<String>,
}

/// `PATCH /api/admin/customers/{id}`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"company": "Universität Wien"})))]
pub struct EditCustomer {
    /// The name.
    pub name: Option<String>,
    /// The mail address.
    #[cfg_attr(feature = "openapi", schema(format = Email))]
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
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// The name; `null` once it was forgotten.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub name: Option<String>,
    /// The mail address; `null` once it was forgotten.
    #[cfg_attr(feature = "openapi", schema(format = Email, required))]
    pub email: Option<String>,
    /// The company.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub company: Option<String>,
    /// Whether the personal data was destroyed.
    pub forgotten: bool,
    /// How many licenses it has; in lists alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licenses: Option<u32>,
    /// `active` or `retired`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ResourceStatus))]
    pub status: String,
    /// When it was taken up.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
}

/// How a customer stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerOverview {
    /// How many licenses it has.
    pub licenses_by_status: LicensesByStatus,
    /// How many machines may be active on all of them.
    pub seats: i64,
    /// How many are.
    pub active: i64,
    /// When one of its machines reported last; `null` where none has.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub last_seen_at: Option<String>,
    /// Anomalies of its licenses that nobody has judged.
    pub open_anomalies: i64,
    /// What its licenses have used in this month, by meter.
    pub usage: BTreeMap<String, i64>,
    /// Its newest licenses, at most 20.
    pub licenses: Vec<License>,
    /// What happened last to it and to them, at most 20; empty for who may not read the audit log.
    pub activity: Vec<AuditEntry>,
}

/// How many licenses stand how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LicensesByStatus {
    /// Those that can be used.
    pub active: i64,
    /// Those that were suspended.
    pub suspended: i64,
    /// Those that were revoked.
    pub revoked: i64,
    /// Those whose end has come.
    pub expired: i64,
    /// Those that have not begun.
    pub not_yet_valid: i64,
}
