//! Values that cannot be wrong: whoever holds one need not check it again.

mod address_range;
mod code;
mod email;
mod features;
mod fingerprint;
mod ids;
mod license_key;
mod limit;
mod sealed;
mod text;
mod timestamp;
mod version;

pub use address_range::AddressRange;
pub use code::Code;
pub use email::Email;
pub use features::{Feature, Features};
pub use fingerprint::{
    ComponentHash, Components, DropReason, Dropped, Fingerprint, MachineIdentity, MatchRule, RawFingerprint,
};
pub(crate) use ids::ids;
pub use ids::{
    ActivationId, AnomalyId, ApiKeyId, CustomerId, LicenseId, OperatorId, PolicyId, ProductId, ReleaseId, SessionId,
    WebhookId,
};
pub use license_key::LicenseKey;
pub use limit::{Limit, Limits, Overage};
pub use sealed::Sealed;
pub use text::Text;
pub use timestamp::Timestamp;
pub use version::{AppVersion, Version, VersionScheme};

/// Why a value was refused: a stable code for programs and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ValueError {
    /// `SCREAMING_SNAKE_CASE`, stable.
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub detail: String,
}

impl ValueError {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}
