//! The rules of an operator.

use super::{
    command::{LockOut, OperatorCommand},
    event::{
        CodeReused, CodeUsed, FactorProposed, FactorReset, LoggedIn, LoginFailed, OperatorDisabled, OperatorEdited,
        OperatorEnabled, OperatorEvent, OperatorLocked, OperatorUnlocked, PasswordRehashed, PasswordSet,
        RecoveryCodeUsed,
    },
    state::{KnownOperator, Operator},
};
use crate::{Decider, Resource as _, ResourceRejection, values::Timestamp};

/// What a log-in hears that may not go on; the same for every reason.
pub const LOGIN_FAILED: ResourceRejection = ResourceRejection::NotAuthenticated {
    code: "LOGIN_FAILED",
    detail: "address, password or code are wrong, or it was tried too often",
};

/// What a link hears that lets nobody in; the same for every reason.
pub const INVITATION_INVALID: ResourceRejection = ResourceRejection::Conflict {
    code: "INVITATION_INVALID",
    detail: "this link was used already, or its time is over; ask for another one",
};

impl Decider for Operator {
    const TYPE: &'static str = "operator";
    const STATE_SCHEMA: i32 = 1;
    type State = Self;
    type Command = OperatorCommand;
    type Event = OperatorEvent;
    type Rejection = ResourceRejection;

    fn decide(state: &Self, command: OperatorCommand) -> Result<Vec<OperatorEvent>, ResourceRejection> {
        match (state, command) {
            (Self::Absent, OperatorCommand::Invite(invited)) => Ok(vec![OperatorEvent::Invited(*invited)]),
            (Self::Absent, OperatorCommand::SetUp { operator, password }) => {
                let set = PasswordSet {
                    password,
                    at: operator.at,
                };
                Ok(vec![OperatorEvent::Invited(*operator), OperatorEvent::PasswordSet(set)])
            }
            (Self::Absent, _) => Err(ResourceRejection::NotFound(Self::KIND)),
            (Self::Known(operator), command) => decide(operator, command),
        }
    }

    fn evolve(state: Self, event: &OperatorEvent) -> Self {
        state.apply(event)
    }

    fn weight(_: &Self) -> usize {
        2_000
    }
}

fn decide(operator: &KnownOperator, command: OperatorCommand) -> Result<Vec<OperatorEvent>, ResourceRejection> {
    match command {
        OperatorCommand::Invite(_) | OperatorCommand::SetUp { .. } => {
            Err(ResourceRejection::AlreadyExists(Operator::KIND))
        }
        OperatorCommand::Accept {
            invitation,
            password,
            at,
        } => accept(operator, &invitation, PasswordSet { password, at }),
        OperatorCommand::Reinvite(reinvited) => {
            enabled(operator)?;
            match operator.password {
                None => Ok(vec![OperatorEvent::Reinvited(reinvited)]),
                Some(_) => Err(ResourceRejection::Conflict {
                    code: "OPERATOR_HAS_PASSWORD",
                    detail: "this operator has set a password already and needs no link",
                }),
            }
        }
        OperatorCommand::Rehash { was, password, at } => {
            let same = operator.password.as_ref() == Some(&was);
            let event = OperatorEvent::PasswordRehashed(PasswordRehashed { password, at });
            Ok(same.then_some(event).into_iter().collect())
        }
        OperatorCommand::SetPassword { password, at } => {
            enabled(operator)?;
            Ok(vec![OperatorEvent::PasswordSet(PasswordSet { password, at })])
        }
        OperatorCommand::ProposeFactor { secret, at } => {
            without_factor(operator)?;
            Ok(vec![OperatorEvent::FactorProposed(FactorProposed { secret, at })])
        }
        OperatorCommand::ConfirmFactor { secret, confirmed } => {
            without_factor(operator)?;
            if operator.proposed != Some(secret) {
                return Err(ResourceRejection::Conflict {
                    code: "FACTOR_NOT_PROPOSED",
                    detail: "another second factor was proposed meanwhile; begin again",
                });
            }
            Ok(vec![OperatorEvent::FactorConfirmed(confirmed)])
        }
        OperatorCommand::UseCode { step, at } => use_code(operator, step, at),
        OperatorCommand::UseRecoveryCode { code, at } => {
            enabled(operator)?;
            if !operator.recovery_codes.contains(&code) {
                return Err(LOGIN_FAILED);
            }
            Ok(vec![OperatorEvent::RecoveryCodeUsed(RecoveryCodeUsed { code, at })])
        }
        OperatorCommand::FailLogin { browser, lock_out, at } => Ok(fail(operator, browser, lock_out, at)),
        OperatorCommand::LogIn { browser, at } => {
            enabled(operator)?;
            match operator.locked_until(browser.as_deref(), at) {
                Some(_) => Err(LOGIN_FAILED),
                None => Ok(vec![OperatorEvent::LoggedIn(LoggedIn { browser, at })]),
            }
        }
        OperatorCommand::Edit { name, role, at } => {
            let same = operator.name == name && operator.role == role;
            let event = OperatorEvent::Edited(OperatorEdited { name, role, at });
            Ok((!same).then_some(event).into_iter().collect())
        }
        OperatorCommand::Disable { at } => {
            let event = OperatorEvent::Disabled(OperatorDisabled { at });
            Ok((!operator.disabled).then_some(event).into_iter().collect())
        }
        OperatorCommand::Enable { at } => {
            let event = OperatorEvent::Enabled(OperatorEnabled { at });
            Ok(operator.disabled.then_some(event).into_iter().collect())
        }
        OperatorCommand::ResetFactor { at } => {
            let has_one = operator.factor.is_some() || operator.proposed.is_some();
            let event = OperatorEvent::FactorReset(FactorReset { at });
            Ok(has_one.then_some(event).into_iter().collect())
        }
        OperatorCommand::Unlock { at } => {
            let failed = !operator.attempts.is_empty();
            let event = OperatorEvent::Unlocked(OperatorUnlocked { at });
            Ok(failed.then_some(event).into_iter().collect())
        }
    }
}

/// Whoever is disabled hears what a wrong password hears.
fn enabled(operator: &KnownOperator) -> Result<(), ResourceRejection> {
    if operator.disabled { Err(LOGIN_FAILED) } else { Ok(()) }
}

/// Whoever has only the password must not put another factor in the place of the one that counts.
fn without_factor(operator: &KnownOperator) -> Result<(), ResourceRejection> {
    enabled(operator)?;
    if operator.factor.is_none() {
        return Ok(());
    }
    Err(ResourceRejection::Conflict {
        code: "FACTOR_ENROLLED",
        detail: "a second factor counts already; it has to be reset first",
    })
}

/// A link is good once, and for its time.
fn accept(operator: &KnownOperator, digest: &str, set: PasswordSet) -> Result<Vec<OperatorEvent>, ResourceRejection> {
    if !operator.has_invitation(digest, set.at) {
        return Err(INVITATION_INVALID);
    }
    Ok(vec![OperatorEvent::PasswordSet(set)])
}

/// Source: RFC 6238, 5.2: a code is accepted once.
fn use_code(operator: &KnownOperator, step: u64, at: Timestamp) -> Result<Vec<OperatorEvent>, ResourceRejection> {
    enabled(operator)?;
    let factor = operator.factor.as_ref().ok_or(LOGIN_FAILED)?;
    Ok(vec![if step > factor.last_step {
        OperatorEvent::CodeUsed(CodeUsed { step, at })
    } else {
        OperatorEvent::CodeReused(CodeReused { step, at })
    }])
}

/// Counts a failure, and shuts the door after too many in a row. While it is shut nothing is counted, so that knocking
/// fills no log and lengthens nothing.
fn fail(operator: &KnownOperator, browser: Option<String>, lock_out: LockOut, at: Timestamp) -> Vec<OperatorEvent> {
    if operator.locked_until(browser.as_deref(), at).is_some() {
        return Vec::new();
    }
    let failed = OperatorEvent::LoginFailed(LoginFailed {
        browser: browser.clone(),
        at,
    });
    let counted = operator.counted_as(browser.as_deref());
    let attempts = operator.attempts.get(&counted).copied().unwrap_or_default();
    let before = if attempts.locked_until.is_some() {
        0
    } else {
        attempts.failed
    };
    if before + 1 < lock_out.after {
        return vec![failed];
    }
    let until = at.plus_seconds(lock_out.seconds);
    vec![failed, OperatorEvent::Locked(OperatorLocked { browser, until, at })]
}
