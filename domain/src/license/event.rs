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
        /// A floating seat fell free because its machine was silent.
        SeatReleased(LicenseSeatReleased) = ("license.seat_released", 1),
        /// A machine that had been silent took its seat again.
        SeatRevived(LicenseSeatRevived) = ("license.seat_revived", 1),
        /// Its duration began with the first machine.
        Started(LicenseStarted) = ("license.started", 1),
        /// More was used than it includes.
        LimitCrossed(LicenseLimitCrossed) = ("license.limit_crossed", 1),
        /// A machine without a network was given a longer lease.
        CheckedOut(LicenseCheckedOut) = ("license.checked_out", 1),
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
    /// Whether its duration is counted from its first machine, also should the policy count otherwise by then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaits_machine: bool,
    /// Free text about it, sealed with the customer's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Sealed>,
    /// When the request for it arrived, by the server's clock, in UTC.
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
    /// When the request for it arrived, by the server's clock, in UTC.
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
    /// The machine that gave its seat to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transferred_from: Option<ActivationId>,
    /// For how long the seat is held without a beat, in seconds; absent where it is no floating one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_seconds: Option<u32>,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A machine lost its seat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseDeactivated {
    /// The activation's id.
    pub activation_id: ActivationId,
    /// The reason, in the words of whoever asked; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether its seat had fallen free before, because it was silent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A floating seat fell free because its machine was silent; the machine may take it again while one is free.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseSeatReleased {
    /// Whose seat.
    pub activation_id: ActivationId,
    /// When it was taken back.
    pub at: Timestamp,
}

/// A machine that had been silent took its seat again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseSeatRevived {
    /// Whose seat.
    pub activation_id: ActivationId,
    /// The policy's version under which this was judged.
    pub policy_version: u32,
    /// For how long the seat is held without a beat, in seconds; absent where it is no floating one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_seconds: Option<u32>,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A license's duration began with its first machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseStarted {
    /// The end from now on.
    pub expires_at: Timestamp,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// More of a meter was used in a billing period than the license includes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseLimitCrossed {
    /// Of which meter.
    pub meter: String,
    /// The billing period's beginning.
    pub period: Timestamp,
    /// What is included.
    pub limit: u64,
    /// What was used when it was noticed.
    pub used: u64,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A machine without a network was given a longer lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseCheckedOut {
    /// Which machine.
    pub activation_id: ActivationId,
    /// When the lease ends.
    pub until: Timestamp,
    /// For how long the seat is held, in seconds; absent where it is no floating one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_seconds: Option<u32>,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A license was stopped for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseSuspended {
    /// The reason, in the words of whoever asked; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A suspended license works again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseResumed {
    /// The reason, in the words of whoever asked; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A license was ended for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseRevoked {
    /// The reason, in the words of whoever asked; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the request for it arrived, by the server's clock, in UTC.
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
    /// The reason, in the words of whoever asked; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A license's key was shown to an operator; who that was stands in the metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseKeyRevealed {
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A license was taken out of the books.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseRetired {
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}
