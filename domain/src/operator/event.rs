//! What is recorded of an operator.

use serde::{Deserialize, Serialize};

use crate::{
    permission::Role,
    values::{OperatorId, Sealed, Timestamp},
};

crate::events! {
    /// What is recorded of an operator.
    pub enum OperatorEvent {
        /// It was taken up, and a link handed out.
        Invited(OperatorInvited) = ("operator.invited", 1),
        /// Another link was handed out.
        Reinvited(OperatorReinvited) = ("operator.reinvited", 1),
        /// It has a password from now on.
        PasswordSet(PasswordSet) = ("operator.password_set", 1),
        /// The same password is kept under other parameters.
        PasswordRehashed(PasswordRehashed) = ("operator.password_rehashed", 1),
        /// A second factor was proposed.
        FactorProposed(FactorProposed) = ("operator.factor_proposed", 1),
        /// A code of it was right: it counts from now on.
        FactorConfirmed(FactorConfirmed) = ("operator.factor_confirmed", 1),
        /// A code of the factor was used.
        CodeUsed(CodeUsed) = ("operator.code_used", 1),
        /// A code came a second time, or an older one.
        CodeReused(CodeReused) = ("operator.code_reused", 1),
        /// A recovery code was used.
        RecoveryCodeUsed(RecoveryCodeUsed) = ("operator.recovery_code_used", 1),
        /// A password or code was wrong.
        LoginFailed(LoginFailed) = ("operator.login_failed", 1),
        /// A browser, or all strangers, were shut out for a while.
        Locked(OperatorLocked) = ("operator.locked", 1),
        /// It got in.
        LoggedIn(LoggedIn) = ("operator.logged_in", 1),
        /// It was changed.
        Edited(OperatorEdited) = ("operator.edited", 1),
        /// Nobody gets in under this name any more.
        Disabled(OperatorDisabled) = ("operator.disabled", 1),
        /// It gets in again.
        Enabled(OperatorEnabled) = ("operator.enabled", 1),
        /// Its second factor was taken away.
        FactorReset(FactorReset) = ("operator.factor_reset", 1),
        /// Its failures were forgotten.
        Unlocked(OperatorUnlocked) = ("operator.unlocked", 1),
    }
}

/// An operator was taken up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorInvited {
    /// Its id.
    pub operator_id: OperatorId,
    /// The name, sealed with a key of its own.
    pub name: Sealed,
    /// The mail address, sealed likewise.
    pub email: Sealed,
    /// What it may do.
    pub role: Role,
    /// The digest of what the link carries.
    pub invitation: String,
    /// Until when the link is good.
    pub invitation_ends_at: Timestamp,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// Another link was handed out; the one before is good no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorReinvited {
    /// The digest of what the link carries.
    pub invitation: String,
    /// Until when the link is good.
    pub invitation_ends_at: Timestamp,
    /// When it was made.
    pub at: Timestamp,
}

/// The same password is kept under the parameters of today.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PasswordRehashed {
    /// The hash in its usual notation (PHC), sealed.
    pub password: Sealed,
    /// When the password was given.
    pub at: Timestamp,
}

/// A password was set; only its hash is kept, sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PasswordSet {
    /// The hash in its usual notation (PHC), sealed.
    pub password: Sealed,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// A second factor was proposed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactorProposed {
    /// The secret of its codes, sealed.
    pub secret: Sealed,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// A second factor counts from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactorConfirmed {
    /// The step of the code that confirmed it; it is used.
    pub step: u64,
    /// The digests of the recovery codes that were shown.
    pub recovery_codes: Vec<String>,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// A code was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodeUsed {
    /// Its step of time.
    pub step: u64,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// A code came a second time, or after a newer one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodeReused {
    /// Its step of time.
    pub step: u64,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// A recovery code was used; it is good no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoveryCodeUsed {
    /// Its digest.
    pub code: String,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// Someone tried and was not let in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoginFailed {
    /// The browser that knew this operator; absent for strangers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// A browser, or all strangers, wait before they may try again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorLocked {
    /// The browser; absent for strangers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// Until when.
    pub until: Timestamp,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// The operator got in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoggedIn {
    /// The browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// The operator was changed; the fields are as they stand from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorEdited {
    /// The name, sealed.
    pub name: Sealed,
    /// What it may do.
    pub role: Role,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// The operator gets in no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorDisabled {
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// The operator gets in again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorEnabled {
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// The second factor was taken away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactorReset {
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// All failures were forgotten.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorUnlocked {
    /// When, by the server's clock.
    pub at: Timestamp,
}
