//! Credentials, and the keys that sign.

use serde::{Deserialize, Serialize};

use crate::nullable;

/// `POST /api/admin/api-keys`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"name": "studio 1.4", "scopes": ["client"]})))]
pub struct CreateApiKey {
    /// For people.
    pub name: String,
    /// `client`, `read`, `admin`.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::shapes::Scope>))]
    pub scopes: Vec<String>,
    /// When it ends by itself.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: Option<String>,
}

/// `POST /api/admin/api-keys/{id}/rotate`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RotateApiKey {
    /// For how many seconds the old key goes on opening what it opened; default a day, at most 90 days.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 7_776_000))]
    pub overlap_seconds: Option<i64>,
    /// When the new key ends by itself; absent is when the old one would have, `null` is never.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Option<String>>,
}

/// An API key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKey {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// The secret for `X-API-Key`; only where it was just made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The secret's first characters.
    pub prefix: String,
    /// For people.
    pub name: String,
    /// What it may do.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::shapes::Scope>))]
    pub scopes: Vec<String>,
    /// When it ends by itself.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub expires_at: Option<String>,
    /// When it was last used, to about half a minute.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub last_used_at: Option<String>,
    /// `active`, `expired` or `revoked`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ApiKeyStatus))]
    pub status: String,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
}

/// A key that signs, or has signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SigningKey {
    /// The key's id, as in the published key set.
    pub kid: String,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// Whether it is the one that signs now.
    pub signs: bool,
}
