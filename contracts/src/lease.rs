//! The lease: the signed file with which a machine runs offline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `typ` of a lease's JOSE header.
pub const LEASE_TYPE: &str = "licet-lease+jwt";
/// `iss` of every lease.
pub const ISSUER: &str = "licet";

/// What a lease says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaseClaims {
    /// Who issued it.
    pub iss: String,
    /// Its own id.
    pub jti: String,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// The license.
    pub lic: LeasedLicense,
    /// The activation's id.
    pub act: String,
    /// What the machine is known by.
    pub fpr: LeasedFingerprint,
    /// The shape of these claims; 1.
    pub ver: u32,
}

/// What a lease says of the license.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeasedLicense {
    /// Its id.
    pub id: String,
    /// The product's code.
    pub product: String,
    /// When it begins, RFC 3339.
    pub valid_from: String,
    /// When it ends, RFC 3339; `null` is never.
    pub expires_at: Option<String>,
    /// How long it works after its end, in days.
    pub grace_days: u32,
    /// Features by name: `true`, `false` or the time at which one ends.
    pub features: BTreeMap<String, Value>,
    /// Usage limits by meter.
    pub limits: BTreeMap<String, u64>,
    /// The lowest version that may run.
    pub min_version: Option<String>,
}

/// What a lease says of the machine: keyed hashes, and on how many of them it must agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeasedFingerprint {
    /// The key of the hashes, 32 bytes in base64url; each license has its own.
    pub salt: String,
    /// On how many components the machine must agree.
    #[serde(rename = "match")]
    pub required: u8,
    /// Which extra components count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<String>,
    /// The components: `mac` (a list), `cpu`, `uuid`, `extra`; the first 16 bytes of
    /// HMAC-SHA-256(salt, name ‖ 0 ‖ normalized value) in base64url.
    pub components: Value,
}
