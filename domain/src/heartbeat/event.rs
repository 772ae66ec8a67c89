//! What is recorded of a beat.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    validate::Verdict,
    values::{ActivationId, AppVersion, LicenseId, Timestamp},
};

crate::events! {
    /// What is recorded of a beat.
    pub enum HeartbeatEvent {
        /// A machine reported.
        Recorded(HeartbeatRecorded) = ("heartbeat.recorded", 1),
    }
}

/// A machine reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeartbeatRecorded {
    /// The machine.
    pub activation_id: ActivationId,
    /// Its license.
    pub license_id: LicenseId,
    /// The policy's version under which this was judged.
    pub policy_version: u32,
    /// What was answered.
    pub code: Verdict,
    /// How many people use the program on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_users: Option<u64>,
    /// How often each feature was used since the beat before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub features: BTreeMap<String, u64>,
    /// How much of each meter was used since the beat before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub usage: BTreeMap<String, u64>,
    /// The program's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<AppVersion>,
    /// What the machine's own clock showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_time: Option<Timestamp>,
    /// A short digest of the request's nonce, by which a beat that was sent twice is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// When it arrived.
    pub at: Timestamp,
}
