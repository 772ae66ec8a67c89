//! Why an order to a license is refused.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::values::{ActivationId, Dropped, Timestamp, Version};

/// Why a machine cannot be told apart by what it sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsufficientFingerprint {
    /// How many components are left.
    pub present: usize,
    /// How many the policy asks for.
    pub required: usize,
    /// What was dropped, and why.
    pub dropped: Vec<Dropped>,
}

impl fmt::Display for InsufficientFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.present >= self.required {
            f.write_str("the processor alone tells no machine apart: thousands have the same model")?;
        } else {
            write!(
                f,
                "{} of the fingerprint's components can be used; {} are required",
                self.present, self.required
            )?;
        }
        if !self.dropped.is_empty() {
            let dropped: Vec<String> = self.dropped.iter().map(ToString::to_string).collect();
            write!(f, "; dropped: {}", dropped.join(", "))?;
        }
        Ok(())
    }
}

/// Why an order to a license is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LicenseRejection {
    /// There is no such license.
    #[error("there is no such license")]
    NotFound,
    /// The id is taken.
    #[error("this license exists already")]
    AlreadyExists,
    /// It was ended for good.
    #[error("the license is revoked")]
    Revoked,
    /// It is stopped for a while.
    #[error("the license is suspended")]
    Suspended,
    /// It was taken out of the books.
    #[error("the license is retired")]
    Retired,
    /// Its time has not come.
    #[error("the license is valid only from {0}")]
    NotYetValid(Timestamp),
    /// Its time and its grace are over.
    #[error("the license expired on {0}")]
    Expired(Timestamp),
    /// The machine sent nothing to know it by.
    #[error("a fingerprint is required")]
    FingerprintRequired,
    /// Too few components are left once those are dropped that many machines share.
    #[error("{0}")]
    FingerprintPlaceholder(InsufficientFingerprint),
    /// The machine sent too few components, or its processor alone.
    #[error("{0}")]
    FingerprintInsufficient(InsufficientFingerprint),
    /// The program is too old.
    #[error("version {minimum} or later is required")]
    VersionUnsupported {
        /// The lowest version that may run.
        minimum: Version,
    },
    /// Every seat is taken.
    #[error("{active} of {limit} seats are taken")]
    ActivationLimitReached {
        /// How many seats there are.
        limit: u32,
        /// How many are taken.
        active: u32,
    },
    /// No such machine.
    #[error("there is no such activation")]
    ActivationNotFound(Option<ActivationId>),
    /// The machine has no seat to give, to hold or to take along.
    #[error("the activation is not active")]
    ActivationNotActive(ActivationId),
    /// The machine has taken its seat along until then, and only an operator ends that early.
    #[error("the seat was taken along offline until {0}; an operator can end it earlier")]
    CheckedOut(Timestamp),
    /// The machine that would get the seat has it, or has another.
    #[error("the machine has a seat of this license already")]
    AlreadyActive(ActivationId),
    /// Seats have moved too often.
    #[error("{made} of {limit} transfers were made")]
    TransferLimitReached {
        /// How many are allowed.
        limit: u32,
        /// How many were made.
        made: u32,
    },
    /// A lease must end after now and within a year and a day.
    #[error("a checked-out lease lasts 1 to 366 days and not beyond the license")]
    CheckOutOutOfRange,
    /// Nothing says how far the end is to move.
    #[error("the license has no end to move, or its policy no duration to move it by; give expires_at")]
    NotRenewable,
    /// The dates contradict each other.
    #[error("expires_at must lie after valid_from")]
    EndsBeforeItBegins,
    /// A number is outside what makes sense.
    #[error("seats must be 1 to 1,000,000")]
    SeatsOutOfRange,
}

impl LicenseRejection {
    /// The stable code that machines and scripts branch on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "LICENSE_NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::Revoked => "LICENSE_REVOKED",
            Self::Suspended => "LICENSE_SUSPENDED",
            Self::Retired => "LICENSE_RETIRED",
            Self::NotYetValid(_) => "LICENSE_NOT_YET_VALID",
            Self::Expired(_) => "LICENSE_EXPIRED",
            Self::FingerprintRequired => "FINGERPRINT_REQUIRED",
            Self::FingerprintPlaceholder(_) => "FINGERPRINT_PLACEHOLDER",
            Self::FingerprintInsufficient(_) => "FINGERPRINT_INSUFFICIENT",
            Self::VersionUnsupported { .. } => "VERSION_UNSUPPORTED",
            Self::ActivationLimitReached { .. } => "ACTIVATION_LIMIT_REACHED",
            Self::ActivationNotFound(_) => "ACTIVATION_NOT_FOUND",
            Self::ActivationNotActive(_) => "ACTIVATION_NOT_ACTIVE",
            Self::CheckedOut(_) => "ACTIVATION_CHECKED_OUT",
            Self::AlreadyActive(_) => "ALREADY_ACTIVE",
            Self::TransferLimitReached { .. } => "TRANSFER_LIMIT_REACHED",
            Self::CheckOutOutOfRange | Self::EndsBeforeItBegins | Self::SeatsOutOfRange => "OUT_OF_RANGE",
            Self::NotRenewable => "LICENSE_NOT_RENEWABLE",
        }
    }

    /// What decided, by name.
    pub fn facts(&self) -> Map<String, Value> {
        let facts = match self {
            Self::NotYetValid(from) => json!({ "valid_from": from }),
            Self::Expired(end) => json!({ "expires_at": end }),
            Self::FingerprintPlaceholder(too_little) | Self::FingerprintInsufficient(too_little) => {
                let dropped: Vec<String> = too_little.dropped.iter().map(ToString::to_string).collect();
                json!({ "present": too_little.present, "required": too_little.required, "dropped": dropped })
            }
            Self::VersionUnsupported { minimum } => json!({ "min_version": minimum }),
            Self::ActivationLimitReached { limit, active } => json!({ "limit": limit, "active": active }),
            Self::CheckedOut(until) => json!({ "checked_out_until": until }),
            Self::TransferLimitReached { limit, made } => json!({ "limit": limit, "made": made }),
            Self::ActivationNotActive(id) | Self::AlreadyActive(id) => json!({ "activation_id": id }),
            _ => json!({}),
        };
        match facts {
            Value::Object(facts) => facts,
            _ => Map::new(),
        }
    }
}
