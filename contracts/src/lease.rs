//! The lease: the signed file with which a machine runs offline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `typ` of a lease's JOSE header.
pub const LEASE_TYPE: &str = "licet-lease+jwt";
/// `iss` of every lease.
pub const ISSUER: &str = "licet";

/// `typ` of the JOSE header of the list of leases that were called back.
pub const REVOCATIONS_TYPE: &str = "licet-revocations+jwt";

/// The leases that were called back and could still be alive: `GET /api/license/revocations`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RevocationClaims {
    /// Who issued it.
    pub iss: String,
    /// When it was issued, in seconds since 1970. A lease that was issued later is not called back by it.
    pub iat: i64,
    /// The same in milliseconds: of two lists the later one counts.
    pub issued_ms: i64,
    /// Licenses of which no lease holds: revoked, suspended or retired.
    pub lic: Vec<String>,
    /// Activations of which no lease holds: deactivated or transferred away.
    pub act: Vec<String>,
    /// The shape of these claims; 1.
    pub ver: u32,
}

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
    /// How the product writes its versions: `numeric` or `calendar`; absent is `semver`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_scheme: Option<String>,
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
    /// Which components must not differ where both sides have them, by their names on the wire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub veto: Vec<String>,
    /// The components: `mac` (a list), `cpu`, `uuid`, `machine`, `extra`, and the `rules` (absent is 1) under which they
    /// were recorded; each the first 16 bytes of HMAC-SHA-256(salt, name ‖ 0 ‖ normalized value) in base64url.
    pub components: Value,
}

/// What a machine without a network writes, for an operator to hand in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestFile {
    /// The shape of this file; 1.
    pub licet_request: u32,
    /// What the machine is known by.
    pub fingerprint: crate::license::Fingerprint,
    /// The machine's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The program's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
}

/// What the operator carries back to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnswerFile {
    /// The machine's activation.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub activation_id: String,
    /// The lease.
    pub lease: String,
    /// When it ends.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub lease_expires_at: String,
    /// The keys that it verifies with; trusted only by a program that trusts none yet.
    pub keys: crate::keys::KeySet,
}
