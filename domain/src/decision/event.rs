//! What is recorded of refusals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::values::{ActivationId, LicenseId, Sealed, Timestamp};

crate::events! {
    /// What is recorded of refusals.
    pub enum DecisionEvent {
        /// A machine was refused.
        Refused(DecisionRefused) = ("decision.refused", 1),
        /// It was refused again and again.
        Repeated(DecisionRepeated) = ("decision.repeated", 1),
        /// A network asked for many keys that do not exist.
        KeyGuessing(KeyGuessing) = ("decision.key_guessing", 1),
    }
}

/// A machine was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRefused {
    /// The license that it asked for.
    pub license_id: LicenseId,
    /// A digest of what the machine is known by; absent where it did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// Its activation, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_id: Option<ActivationId>,
    /// What it wanted: `activate`, `verify`, `heartbeat` or `transfer`.
    pub asked: String,
    /// The stable code that was answered.
    pub code: String,
    /// The policy's version under which this was judged.
    pub policy_version: u32,
    /// What decided.
    pub facts: BTreeMap<String, Value>,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// The same machine was refused with the same code again, within the hour that began with its first refusal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRepeated {
    /// The license that it asked for.
    pub license_id: LicenseId,
    /// A digest of what the machine is known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The stable code that was answered.
    pub code: String,
    /// How often, beside the first time.
    pub count: u64,
    /// When the first refusal was recorded.
    pub since: Timestamp,
    /// The last time.
    pub at: Timestamp,
}

/// A network asked for many keys that do not exist, within one hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyGuessing {
    /// The network (IPv4 /24, IPv6 /48), sealed with the tenant's key.
    pub network: Sealed,
    /// How many unknown keys it had asked for when this was noticed.
    pub count: u64,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}
