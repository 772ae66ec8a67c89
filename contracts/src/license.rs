//! What licensed programs send and get.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a machine is known by; every component is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fingerprint {
    /// Hardware addresses of the network cards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_addresses: Option<Vec<String>>,
    /// The processor's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_id: Option<String>,
    /// The system's UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_uuid: Option<String>,
    /// The operating system's installation id: `/etc/machine-id`, `MachineGuid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// Further components; they count only where the policy names them.
    #[serde(
        default,
        deserialize_with = "crate::unique::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub extra: Option<BTreeMap<String, String>>,
}

impl Fingerprint {
    /// Whether nothing at all is said.
    pub fn is_empty(&self) -> bool {
        let texts = [&self.cpu_id, &self.system_uuid, &self.machine_id];
        self.mac_addresses.as_ref().is_none_or(Vec::is_empty)
            && texts.iter().all(|text| text.is_none())
            && self.extra.as_ref().is_none_or(BTreeMap::is_empty)
    }
}

/// `POST /api/license/activate`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "license_key": "LIC-7Q2M4-9D3KF-X8T6W-1HZRB-50NCX",
    "fingerprint": {"mac_addresses": ["3c:52:82:4f:90:1d"], "system_uuid": "4c4c4544-0042-3510-8052-b4c04f564433"},
    "hostname": "workstation-7", "os": "linux", "app_version": "1.4.2", "nonce": "b64c1d0e"
})))]
pub struct ActivateRequest {
    /// The license key, however it is typed.
    pub license_key: String,
    /// What the machine is known by.
    #[serde(
        default,
        deserialize_with = "crate::object::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub fingerprint: Option<Fingerprint>,
    /// The machine's name; cut at 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The operating system; cut at 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The program's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// Answered and signed, so that an old answer cannot be played back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// The answer to an activation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivateResponse {
    /// The activation's id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub activation_id: String,
    /// A JWT bound to the activation, for `Authorization: Bearer`.
    pub token: String,
    /// When the token ends.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub token_expires_at: String,
    /// The license.
    pub license: LicenseSummary,
    /// The signed offline file.
    pub lease: String,
    /// When the lease ends.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub lease_expires_at: String,
    /// How often the machine is to report.
    pub heartbeat_interval_seconds: u32,
    /// The place of the activation in the one order of events.
    pub position: i64,
    /// The server's time.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub ts: String,
    /// The request's nonce.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub nonce: Option<String>,
}

/// `POST /api/license/verify`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "license_key": "LIC-7Q2M4-9D3KF-X8T6W-1HZRB-50NCX",
    "fingerprint": {"mac_addresses": ["3c:52:82:4f:90:1d"], "system_uuid": "4c4c4544-0042-3510-8052-b4c04f564433"},
    "features": ["export"], "nonce": "b64c1d0f"
})))]
pub struct VerifyRequest {
    /// The license key, however it is typed; not needed with a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_key: Option<String>,
    /// What the machine is known by; not needed with a bearer token.
    #[serde(
        default,
        deserialize_with = "crate::object::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub fingerprint: Option<Fingerprint>,
    /// The program's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// Features that must be on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// Answered and signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// The answer to a verification.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerifyResponse {
    /// Whether the program may run.
    pub valid: bool,
    /// Why, for programs.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::Verdict))]
    pub code: String,
    /// Why, for people.
    pub detail: String,
    /// The license, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<LicenseSummary>,
    /// The machine's activation, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub activation_id: Option<String>,
    /// Features by name, as they are now.
    pub features: BTreeMap<String, bool>,
    /// Usage limits by meter.
    pub limits: BTreeMap<String, u64>,
    /// The signed offline file; the same one is answered for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// When the lease ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub lease_expires_at: Option<String>,
    /// What the program should know of newer versions; only when it said its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateInfo>,
    /// The server's time.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub ts: String,
    /// The request's nonce.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub nonce: Option<String>,
}

/// A license as machines see it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LicenseSummary {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// Its key, all but the last group hidden.
    pub key_masked: String,
    /// `active`, `suspended`, `revoked`, `expired`, `not_yet_valid` or `retired`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::LicenseStatus))]
    pub status: String,
    /// The product's code.
    pub product: String,
    /// The customer's id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub customer: String,
    /// The policy's code.
    pub policy: String,
    /// How many machines may be active at once.
    pub seats: u32,
    /// How many are.
    pub active: u32,
    /// When it begins.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub valid_from: String,
    /// When it ends; `null` is never.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub expires_at: Option<String>,
    /// Features by name: `true`, `false` or the time at which one ends.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, crate::shapes::FeatureValue>))]
    pub features: BTreeMap<String, Value>,
    /// Usage limits by meter.
    pub limits: BTreeMap<String, u64>,
    /// The lowest version that may run.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub min_version: Option<String>,
}

/// `GET /api/license/info/{license_key}`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InfoResponse {
    /// The license.
    pub license: LicenseSummary,
    /// Its machines, newest first, at most 200.
    pub activations: Vec<ActivationSummary>,
    /// The place of its newest event.
    pub position: i64,
}

/// A machine of a license.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivationSummary {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub activation_id: String,
    /// The machine's name; `null` when unknown or forgotten.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub hostname: Option<String>,
    /// The operating system.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub os: Option<String>,
    /// The program's version.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub app_version: Option<String>,
    /// When it took its seat.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub activated_at: String,
    /// When it was last heard of.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub last_seen_at: Option<String>,
    /// `active`, `silent` (its floating seat fell free) or `deactivated`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ActivationStatus))]
    pub status: String,
}

/// `POST /api/license/deactivate`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeactivateRequest {
    /// The license key, however it is typed.
    pub license_key: String,
    /// Which machine, by id; or give a fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub activation_id: Option<String>,
    /// Which machine, by what it is known by.
    #[serde(
        default,
        deserialize_with = "crate::object::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub fingerprint: Option<Fingerprint>,
    /// The reason, in the words of whoever asked; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Answered and signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// The answer to a deactivation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeactivateResponse {
    /// The activation's id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub activation_id: String,
    /// Always `deactivated`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ActivationStatus))]
    pub status: String,
    /// The place of the change in the one order of events.
    pub position: i64,
    /// The request's nonce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// `POST /api/license/transfer`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransferRequest {
    /// The license key, however it is typed.
    pub license_key: String,
    /// The activation that gives its seat.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub from_activation_id: String,
    /// What the machine is known by that gets the seat.
    #[serde(
        default,
        deserialize_with = "crate::object::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub fingerprint: Option<Fingerprint>,
    /// The machine's name; cut at 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The operating system; cut at 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The program's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// Why; it stands in the license's history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Answered and signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// `POST /api/license/heartbeat`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "active_users": 3, "features": {"export": 2}, "usage": {"pages": 12}, "app_version": "1.4.2", "nonce": "b64c1d10"
})))]
pub struct HeartbeatRequest {
    /// How many people use the program on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_users: Option<u64>,
    /// How often each feature was used since the beat before.
    #[serde(
        default,
        deserialize_with = "crate::unique::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub features: Option<BTreeMap<String, u64>>,
    /// How much of each meter was used since the beat before; only meters that the license has a limit for.
    #[serde(
        default,
        deserialize_with = "crate::unique::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub usage: Option<BTreeMap<String, u64>>,
    /// The program's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// What the machine's own clock shows, RFC 3339; a clock that runs back is noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub client_time: Option<String>,
    /// Answered and signed; a beat that is repeated with the same nonce counts once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeartbeatResponse {
    /// Whether the program may go on.
    pub valid: bool,
    /// Why, for programs: one of verify's codes.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::Verdict))]
    pub code: String,
    /// Why, for people.
    pub detail: String,
    /// A fresh token, when the one that was sent is due for renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When that token ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub token_expires_at: Option<String>,
    /// A fresh lease, when one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// When that lease ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub lease_expires_at: Option<String>,
    /// When the next beat is expected.
    pub next_heartbeat_seconds: u32,
    /// Meters in this billing period, as far as they are known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub usage: BTreeMap<String, MeterUse>,
    /// The place of the beat in the one order of events.
    pub position: i64,
    /// The server's time.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub ts: String,
    /// The request's nonce.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub nonce: Option<String>,
}

/// What of a meter is used in this billing period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeterUse {
    /// How much was used, this beat included.
    pub used: u64,
    /// How much is included.
    pub limit: u64,
    /// Whether more was used than is included.
    pub over: bool,
}

/// What a program should know of newer versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateInfo {
    /// The newest version that this machine is offered.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub latest: Option<String>,
    /// Whether it is newer than the program.
    pub update_available: bool,
    /// Whether the program must not stay as it is.
    pub update_required: bool,
    /// The lowest version that may run.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub min_version: Option<String>,
}
