//! What a proposed policy would have answered.

use serde::{Deserialize, Serialize};

use crate::admin::PolicyTerms;

/// `POST /api/admin/policies/{id}/simulate`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimulatePolicy {
    /// How many days of real history to live again; 1 to 90, default 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 90))]
    pub days: Option<i64>,
    /// `next_cursor` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// What would change; what is absent stays as it is.
    #[serde(flatten)]
    pub terms: PolicyTerms,
}

/// What would have been, of at most 1,000 licenses; the sum over all answers up to the one without `next_cursor` is that of
/// the policy.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimulationResult {
    /// Since when history was lived again.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub since: String,
    /// How many licenses were looked at.
    pub licenses: u64,
    /// Where the next answer begins, as `cursor`; null where all licenses of the policy have been looked at.
    pub next_cursor: Option<String>,
    /// How many activations were judged again.
    pub activations: u64,
    /// Machines that got a seat, or were told by a beat that they may run, and would have been refused, at most 1,000.
    pub refused: Vec<SimulatedRefusal>,
    /// Machines that kept their seat and would have lost it for silence, at most 1,000; only where the terms float.
    pub silent: Vec<SimulatedSilence>,
    /// Licenses that had more machines at the beginning than they would have had seats, at most 1,000.
    pub over_seats: Vec<SimulatedOverSeats>,
    /// Licenses whose machines would have been told `USAGE_LIMIT_EXCEEDED`, by meter and billing period, at most 1,000.
    pub over_limits: Vec<SimulatedOverLimit>,
}

/// A license that used more in a billing period than it would have been let.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimulatedOverLimit {
    /// The license.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub license_id: String,
    /// The meter.
    pub meter: String,
    /// The period's beginning.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub period: String,
    /// How much was used.
    pub used: u64,
    /// How much is included.
    pub limit: u64,
}

/// A machine that would have been refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimulatedRefusal {
    /// The license.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub license_id: String,
    /// The machine's activation.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub activation_id: String,
    /// The position of the event that admitted it: of the activation, or of the first beat.
    pub position: i64,
    /// What would have been answered.
    pub code: String,
}

/// A machine that would have lost its seat.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimulatedSilence {
    /// The license.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub license_id: String,
    /// The machine's activation.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub activation_id: String,
    /// The longest time between two of its beats, in seconds.
    pub longest_seconds: i64,
    /// How often it was silent for longer than its hold.
    pub times: i64,
}

/// A license with more machines than it would have seats.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimulatedOverSeats {
    /// The license.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub license_id: String,
    /// How many too many.
    pub over: u32,
    /// Their activations: those that came last, at most 1,000.
    pub activation_ids: Vec<String>,
}
