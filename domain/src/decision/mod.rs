//! What machines were refused, and why. Nothing is decided from it: it is kept so that people can ask.

mod event;

pub use event::{DecisionEvent, DecisionRefused, DecisionRepeated, KeyGuessing};

/// Every code that a machine can be refused with, or be told of while it is in grace.
pub const CODES: [&str; 27] = [
    "ACTIVATION_CHECKED_OUT",
    "ACTIVATION_LIMIT_REACHED",
    "ACTIVATION_NOT_ACTIVE",
    "ACTIVATION_NOT_FOUND",
    "ALREADY_ACTIVE",
    "EXPIRED",
    "EXPIRED_IN_GRACE",
    "FEATURE_MISSING",
    "FINGERPRINT_INSUFFICIENT",
    "FINGERPRINT_PLACEHOLDER",
    "FINGERPRINT_REQUIRED",
    "HEARTBEAT_DEAD",
    "LICENSE_EXPIRED",
    "LICENSE_NOT_YET_VALID",
    "LICENSE_RETIRED",
    "LICENSE_REVOKED",
    "LICENSE_SUSPENDED",
    "METER_UNKNOWN",
    "NOT_ACTIVATED",
    "NOT_FOUND",
    "NOT_YET_VALID",
    "REVOKED",
    "SUSPENDED",
    "TOKEN_REVOKED",
    "TRANSFER_LIMIT_REACHED",
    "USAGE_LIMIT_EXCEEDED",
    "VERSION_UNSUPPORTED",
];
