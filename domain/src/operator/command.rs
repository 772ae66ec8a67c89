//! Orders to an operator.

use super::event::{FactorConfirmed, OperatorInvited};
use crate::{
    permission::Role,
    values::{Sealed, Timestamp},
};

/// An operator as it is taken up.
pub type NewOperator = OperatorInvited;

/// When a browser is shut out, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockOut {
    /// After so many failures in a row (`MAX_LOGIN_ATTEMPTS`).
    pub after: u32,
    /// For so many seconds (`LOGIN_LOCKOUT_DURATION`).
    pub seconds: i64,
}

/// An order to an operator.
#[derive(Debug, Clone)]
pub enum OperatorCommand {
    /// Takes one up; the address is claimed in the same submission.
    Invite(Box<NewOperator>),
    /// Sets the first password, by a link that was handed out. Each link is good once.
    Accept {
        /// The digest of what the link carries.
        invitation: String,
        /// The password's hash, sealed.
        password: Sealed,
        /// Now.
        at: Timestamp,
    },
    /// Sets another password; the old one was right.
    SetPassword {
        /// The password's hash, sealed.
        password: Sealed,
        /// Now.
        at: Timestamp,
    },
    /// Proposes a second factor; it counts once a code of it was right.
    ProposeFactor {
        /// The secret of its codes, sealed.
        secret: Sealed,
        /// Now.
        at: Timestamp,
    },
    /// A code of the proposed factor was right.
    ConfirmFactor(FactorConfirmed),
    /// A code of the factor was right. Each is good once.
    UseCode {
        /// Which step of time it belongs to.
        step: u64,
        /// Now.
        at: Timestamp,
    },
    /// Uses a recovery code in its place.
    UseRecoveryCode {
        /// Its digest.
        code: String,
        /// Now.
        at: Timestamp,
    },
    /// A password or code was wrong.
    FailLogin {
        /// The browser, where it knew this operator before: its count is its own, so that strangers lock nobody out.
        browser: Option<String>,
        /// When it is shut out.
        lock_out: LockOut,
        /// Now.
        at: Timestamp,
    },
    /// Password and factor were right.
    LogIn {
        /// The browser.
        browser: Option<String>,
        /// Now.
        at: Timestamp,
    },
    /// Changes what it is called and what it may do.
    Edit {
        /// The name, sealed.
        name: Sealed,
        /// The role.
        role: Role,
        /// Now.
        at: Timestamp,
    },
    /// Lets nobody in under this name any more.
    Disable {
        /// Now.
        at: Timestamp,
    },
    /// Lets it in again.
    Enable {
        /// Now.
        at: Timestamp,
    },
    /// Takes the second factor and its recovery codes away: the next log-in asks for a new one.
    ResetFactor {
        /// Now.
        at: Timestamp,
    },
    /// Forgets all failures.
    Unlock {
        /// Now.
        at: Timestamp,
    },
}
