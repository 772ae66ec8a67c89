//! What is recorded of an API key.

use serde::{Deserialize, Serialize};

use super::state::Scope;
use crate::values::{ApiKeyId, Text, Timestamp};

crate::events! {
    /// What is recorded of an API key.
    pub enum ApiKeyEvent {
        /// It was made.
        Created(ApiKeyCreated) = ("api_key.created", 1),
        /// Another one takes its place: it ends by itself, sooner than it would have.
        Superseded(ApiKeySuperseded) = ("api_key.superseded", 1),
        /// It was ended.
        Revoked(ApiKeyRevoked) = ("api_key.revoked", 1),
    }
}

/// A key was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKeyCreated {
    /// Its id.
    pub api_key_id: ApiKeyId,
    /// For people.
    pub name: Text<200>,
    /// What it may do; at least one.
    pub scopes: Vec<Scope>,
    /// The secret's first characters, by which people tell keys apart.
    pub prefix: String,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// Another key takes a key's place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKeySuperseded {
    /// The key that takes its place.
    pub by: ApiKeyId,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A key was ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKeyRevoked {
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}
