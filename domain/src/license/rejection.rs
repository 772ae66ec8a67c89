//! Why an order to a license is refused.

use crate::values::{ActivationId, Timestamp};

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
    /// Too few components are left once placeholders are dropped.
    #[error("{present} usable fingerprint components after placeholders were dropped; {required} are required")]
    FingerprintPlaceholder {
        /// How many are left.
        present: usize,
        /// How many the policy asks for.
        required: usize,
    },
    /// The machine sent too few components.
    #[error("{present} fingerprint components were sent; {required} are required")]
    FingerprintInsufficient {
        /// How many were sent.
        present: usize,
        /// How many the policy asks for.
        required: usize,
    },
    /// The program is too old.
    #[error("version {minimum} or later is required")]
    VersionUnsupported {
        /// The lowest version that may run.
        minimum: semver::Version,
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
    /// There is no end to move.
    #[error("the license has no end; give expires_at to set one")]
    NotRenewable,
    /// The dates contradict each other.
    #[error("expires_at must lie after valid_from")]
    EndsBeforeItBegins,
    /// A number is outside what makes sense.
    #[error("seats must be 1 to 1,000,000")]
    SeatsOutOfRange,
}
