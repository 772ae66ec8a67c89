//! Who works in the back office: invited, signed in by password and second factor, shut out for a while or for good.
//!
//! Passwords, codes and secrets are checked where they can be opened; what arrives here is whether they were right, and
//! what is to be kept. The rules say what follows from it.

mod command;
mod decide;
mod event;
mod state;
#[cfg(test)]
mod tests;

pub use command::{LockOut, NewOperator, OperatorCommand};
pub use decide::{INVITATION_INVALID, LOGIN_FAILED};
pub use event::{
    CodeReused, CodeUsed, FactorConfirmed, FactorProposed, FactorReset, LoggedIn, LoginFailed, OperatorDisabled,
    OperatorEdited, OperatorEnabled, OperatorEvent, OperatorInvited, OperatorLocked, OperatorReinvited,
    OperatorUnlocked, PasswordRehashed, PasswordSet, RecoveryCodeUsed,
};
pub use state::{Attempts, Factor, Invitation, KnownOperator, Operator};
