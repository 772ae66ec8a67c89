//! The published keys.

use serde::{Deserialize, Serialize};

/// A JWK set (RFC 7517): what leases, answers and checkpoints verify with. Old keys stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeySet {
    /// The keys, newest first.
    pub keys: Vec<Key>,
    /// For each key but the oldest a compact JWS over it, made by the key before it: whoever trusts one of them can come
    /// to trust the newest. Newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub succession: Vec<String>,
}

/// `typ` of the JOSE header of a key's JWS by its predecessor.
pub const SUCCESSION_TYPE: &str = "licet-key+jwt";

/// An Ed25519 public key (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Key {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// Always `EdDSA`.
    pub alg: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The key's id: its RFC 7638 thumbprint.
    pub kid: String,
    /// The 32 bytes of the key, in base64url.
    pub x: String,
}
