//! Orders to an operator.

use super::event::{FactorConfirmed, OperatorInvited, OperatorReinvited};
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
    /// Takes one up that has a password at once: the first of a house, or one whom the keeper of the database lets in.
    SetUp {
        /// Who it is.
        operator: Box<NewOperator>,
        /// The password's hash, sealed.
        password: Sealed,
    },
    /// Sets the first password, by a link that was handed out. Each link is good once.
    Accept {
        /// The digest of what the link carries.
        invitation: String,
        /// The password's hash, sealed.
        password: Sealed,
        /// When it was ordered.
        at: Timestamp,
    },
    /// Hands out another link to one who has set no password yet; the link before is good no more.
    Reinvite(OperatorReinvited),
    /// Keeps the same password under today's parameters, unless it was changed meanwhile.
    Rehash {
        /// The hash that the password was compared with, sealed.
        was: Sealed,
        /// The new one.
        password: Sealed,
        /// When the password was given.
        at: Timestamp,
    },
    /// Sets another password; the old one was right.
    SetPassword {
        /// The password's hash, sealed.
        password: Sealed,
        /// When it was ordered.
        at: Timestamp,
    },
    /// Proposes a second factor; it counts once a code of it was right.
    ProposeFactor {
        /// The secret of its codes, sealed.
        secret: Sealed,
        /// When it was ordered.
        at: Timestamp,
    },
    /// A code of the proposed factor was right.
    ConfirmFactor {
        /// The secret that the code was of, as it was proposed.
        secret: Sealed,
        /// What is recorded of it.
        confirmed: FactorConfirmed,
    },
    /// A code of the factor was right. Each is good once.
    UseCode {
        /// Which step of time it belongs to.
        step: u64,
        /// When it was ordered.
        at: Timestamp,
    },
    /// Uses a recovery code in its place.
    UseRecoveryCode {
        /// Its digest.
        code: String,
        /// When it was ordered.
        at: Timestamp,
    },
    /// A password or code was wrong.
    FailLogin {
        /// The browser, where it knew this operator before: its count is its own, so that strangers lock nobody out.
        browser: Option<String>,
        /// When it is shut out.
        lock_out: LockOut,
        /// When it was ordered.
        at: Timestamp,
    },
    /// Password and factor were right.
    LogIn {
        /// The browser.
        browser: Option<String>,
        /// When it was ordered.
        at: Timestamp,
    },
    /// Changes what it is called and what it may do.
    Edit {
        /// The name, sealed.
        name: Sealed,
        /// The role.
        role: Role,
        /// When it was ordered.
        at: Timestamp,
    },
    /// Lets nobody in under this name any more.
    Disable {
        /// When it was ordered.
        at: Timestamp,
    },
    /// Lets it in again.
    Enable {
        /// When it was ordered.
        at: Timestamp,
    },
    /// Takes the second factor and its recovery codes away: the next log-in asks for a new one.
    ResetFactor {
        /// When it was ordered.
        at: Timestamp,
    },
    /// Forgets all failures.
    Unlock {
        /// When it was ordered.
        at: Timestamp,
    },
}
