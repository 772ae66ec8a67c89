//! What is recorded of a license.

use serde::{Deserialize, Serialize};

use super::command::Overrides;
use crate::values::{
    ActivationId, AppVersion, Components, CustomerId, LicenseId, PolicyId, ProductId, Sealed, Timestamp,
};

crate::events! {
    /// What is recorded of a license.
    pub enum LicenseEvent {
        /// It was issued.
        Issued(LicenseIssued) = ("license.issued", 1),
        /// It was edited.
        Edited(LicenseEdited) = ("license.edited", 1),
        /// A machine took a seat.
        Activated(LicenseActivated) = ("license.activated", 1),
        /// A machine lost its seat.
        Deactivated(LicenseDeactivated) = ("license.deactivated", 1),
        /// It was stopped for a while.
        Suspended(LicenseSuspended) = ("license.suspended", 1),
        /// It works again.
        Resumed(LicenseResumed) = ("license.resumed", 1),
        /// It was ended for good.
        Revoked(LicenseRevoked) = ("license.revoked", 1),
        /// Its end has come.
        Expired(LicenseExpired) = ("license.expired", 1),
        /// Its end was moved.
        Renewed(LicenseRenewed) = ("license.renewed", 1),
        /// Its key was shown to an operator.
        KeyRevealed(LicenseKeyRevealed) = ("license.key_revealed", 1),
        /// It was taken out of the books.
        Retired(LicenseRetired) = ("license.retired", 1),
    }
}

/// A license was issued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseIssued {
    /// Its id.
    pub license_id: LicenseId,
    /// Who it was issued to.
    pub customer_id: CustomerId,
    /// The policy that it follows.
    pub policy_id: PolicyId,
    /// The policy's version on that day.
    pub policy_version: u32,
    /// What it licenses.
    pub product_id: ProductId,
    /// The key, sealed with the tenant's key.
    pub key_sealed: Sealed,
    /// The key as it may be shown.
    pub key_masked: String,
    /// What it changes of its policy.
    #[serde(flatten)]
    pub overrides: Overrides,
    /// When it begins.
    pub valid_from: Timestamp,
    /// When it ends; absent is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Free text about it, sealed with the customer's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Sealed>,
    /// When.
    pub at: Timestamp,
}

/// A license was edited; the fields are as they stand from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseEdited {
    /// What it changes of its policy.
    #[serde(flatten)]
    pub overrides: Overrides,
    /// When it begins.
    pub valid_from: Timestamp,
    /// When it ends; absent is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Free text about it, sealed with the customer's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Sealed>,
    /// When.
    pub at: Timestamp,
}

/// A machine took a seat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseActivated {
    /// The activation's id.
    pub activation_id: ActivationId,
    /// The machine, as hashes.
    pub components: Components,
    /// The policy's version under which this was judged.
    pub policy_version: u32,
    /// The machine's name, sealed with the customer's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<Sealed>,
    /// The operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The program's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<AppVersion>,
    /// When.
    pub at: Timestamp,
}

/// A machine lost its seat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseDeactivated {
    /// The activation's id.
    pub activation_id: ActivationId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A license was stopped for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseSuspended {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A suspended license works again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseResumed {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A license was ended for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseRevoked {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A license's end has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseExpired {
    /// The end.
    pub expires_at: Timestamp,
    /// When it was noticed.
    pub at: Timestamp,
}

/// A license's end was moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseRenewed {
    /// The end from now on.
    pub expires_at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A license's key was shown to an operator; who that was stands in the metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseKeyRevealed {
    /// When.
    pub at: Timestamp,
}

/// A license was taken out of the books.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseRetired {
    /// When.
    pub at: Timestamp,
}
