//! Ranges of addresses from which nobody signs in.

use serde::{Deserialize, Serialize};

/// `POST /api/admin/blocked-addresses`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"network": "192.0.2.0/24", "reason": "guesses passwords", "until": "2030-01-01T00:00:00.000Z"})))]
pub struct BlockAddress {
    /// An address, or a network in CIDR notation of at least 8 bits (IPv6: 16). An IPv6 address stands for its /64.
    pub network: String,
    /// Why, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub reason: Option<String>,
    /// Until when; until it is unblocked, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub until: Option<String>,
}

/// A range from which nobody signs in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockedAddress {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// The range, in CIDR notation.
    pub network: String,
    /// Why.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub reason: Option<String>,
    /// `blocked`; `over`: its time has come; `unblocked`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::BlockStatus))]
    pub status: String,
    /// Whether it was blocked by itself, after failures over many accounts; browsers that have signed in before get in all
    /// the same.
    pub automatic: bool,
    /// Since when.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub blocked_at: String,
    /// Until when; null is until it is unblocked.
    #[cfg_attr(feature = "openapi", schema(required, format = DateTime))]
    pub until: Option<String>,
}
