//! The rules of a license's life; who gets a seat is decided in `activate.rs`.

use super::{
    activate::{activate, transfer},
    command::{DeactivationTarget, LicenseCommand, Overrides},
    event::{
        LicenseDeactivated, LicenseEdited, LicenseEvent, LicenseExpired, LicenseIssued, LicenseKeyRevealed,
        LicenseLimitCrossed, LicenseRenewed, LicenseResumed, LicenseRetired, LicenseRevoked, LicenseSuspended,
    },
    rejection::LicenseRejection,
    seats,
    state::{IssuedLicense, License, Standing},
};
use crate::{Decider, SeatHold, values::Timestamp};

type Decision = Result<Vec<LicenseEvent>, LicenseRejection>;

impl Decider for License {
    const TYPE: &'static str = "license";
    const STATE_SCHEMA: i32 = 3;
    type State = Self;
    type Command = LicenseCommand;
    type Event = LicenseEvent;
    type Rejection = LicenseRejection;

    fn decide(state: &Self, command: LicenseCommand) -> Decision {
        match (state, command) {
            (Self::Absent, LicenseCommand::Issue(order)) => issue(*order),
            (Self::Issued(_), LicenseCommand::Issue(_)) => Err(LicenseRejection::AlreadyExists),
            (Self::Absent, _) => Err(LicenseRejection::NotFound),
            (Self::Issued(license), command) => decide_issued(license, command),
        }
    }

    fn evolve(state: Self, event: &LicenseEvent) -> Self {
        state.apply(event)
    }

    fn holds(state: &Self, events: &[LicenseEvent]) -> Vec<SeatHold> {
        state
            .facts()
            .map_or_else(Vec::new, |license| seats::holds(license, events))
    }

    fn weight(state: &Self) -> usize {
        state.facts().map_or(100, IssuedLicense::weight)
    }
}

fn decide_issued(license: &IssuedLicense, command: LicenseCommand) -> Decision {
    match command {
        LicenseCommand::Issue(_) => Err(LicenseRejection::AlreadyExists),
        LicenseCommand::Edit {
            overrides,
            valid_from,
            expires_at,
            note,
            at,
        } => edit(
            license,
            LicenseEdited {
                overrides,
                valid_from,
                expires_at,
                note,
                at,
            },
        ),
        LicenseCommand::Activate(order) => activate(license, *order),
        LicenseCommand::Transfer {
            from,
            to,
            reason,
            by_operator,
        } => transfer(license, from, by_operator, *to, reason.as_deref()),
        LicenseCommand::ReleaseSeat {
            activation_id,
            terms,
            at,
        } => Ok(seats::release(license, activation_id, &terms, at)),
        LicenseCommand::ReviveSeat {
            activation_id,
            terms,
            policy_version,
            at,
        } => seats::revive(license, activation_id, &terms, policy_version, at),
        LicenseCommand::NoteUsage {
            meter,
            period,
            limit,
            used,
            at,
        } => Ok(note_usage(
            license,
            LicenseLimitCrossed {
                meter,
                period,
                limit,
                used,
                at,
            },
        )),
        LicenseCommand::CheckOut {
            activation_id,
            until,
            terms,
            at,
        } => seats::check_out(license, activation_id, until, &terms, at),
        LicenseCommand::Deactivate {
            target,
            reason,
            by_operator,
            at,
        } => deactivate(license, &target, by_operator, reason, at),
        LicenseCommand::Suspend { reason, at } => match license.standing {
            Standing::Active => Ok(vec![LicenseEvent::Suspended(LicenseSuspended { reason, at })]),
            Standing::Suspended => Ok(vec![]),
            Standing::Revoked => Err(LicenseRejection::Revoked),
            Standing::Retired => Err(LicenseRejection::Retired),
        },
        LicenseCommand::Resume { reason, at } => match license.standing {
            Standing::Active => Ok(vec![]),
            Standing::Suspended => Ok(vec![LicenseEvent::Resumed(LicenseResumed { reason, at })]),
            Standing::Revoked => Err(LicenseRejection::Revoked),
            Standing::Retired => Err(LicenseRejection::Retired),
        },
        LicenseCommand::Revoke { reason, at } => match license.standing {
            Standing::Active | Standing::Suspended => Ok(vec![LicenseEvent::Revoked(LicenseRevoked { reason, at })]),
            Standing::Revoked => Ok(vec![]),
            Standing::Retired => Err(LicenseRejection::Retired),
        },
        LicenseCommand::Renew {
            duration_days,
            expires_at,
            reason,
            at,
        } => renew(license, duration_days, expires_at, reason, at),
        LicenseCommand::NoteExpiry { at } => Ok(note_expiry(license, at)),
        LicenseCommand::RevealKey { at } => Ok(vec![LicenseEvent::KeyRevealed(LicenseKeyRevealed { at })]),
        LicenseCommand::Retire { at } => match license.standing {
            Standing::Retired => Ok(vec![]),
            Standing::Active | Standing::Suspended | Standing::Revoked => {
                Ok(vec![LicenseEvent::Retired(LicenseRetired { at })])
            }
        },
    }
}

fn issue(order: LicenseIssued) -> Decision {
    check(&order.overrides, order.valid_from, order.expires_at)?;
    Ok(vec![LicenseEvent::Issued(order)])
}

fn check(overrides: &Overrides, valid_from: Timestamp, expires_at: Option<Timestamp>) -> Result<(), LicenseRejection> {
    if overrides.seats.is_some_and(|seats| !(1..=1_000_000).contains(&seats)) {
        return Err(LicenseRejection::SeatsOutOfRange);
    }
    if expires_at.is_some_and(|end| end <= valid_from) {
        return Err(LicenseRejection::EndsBeforeItBegins);
    }
    Ok(())
}

fn open_to_change(license: &IssuedLicense) -> Result<(), LicenseRejection> {
    match license.standing {
        Standing::Active | Standing::Suspended => Ok(()),
        Standing::Revoked => Err(LicenseRejection::Revoked),
        Standing::Retired => Err(LicenseRejection::Retired),
    }
}

fn edit(license: &IssuedLicense, edited: LicenseEdited) -> Decision {
    open_to_change(license)?;
    check(&edited.overrides, edited.valid_from, edited.expires_at)?;
    let unchanged = *license.overrides == edited.overrides
        && license.valid_from == edited.valid_from
        && license.expires_at == edited.expires_at
        && license.note == edited.note;
    Ok((!unchanged)
        .then_some(LicenseEvent::Edited(edited))
        .into_iter()
        .collect())
}

fn deactivate(
    license: &IssuedLicense,
    target: &DeactivationTarget,
    by_operator: bool,
    reason: Option<String>,
    at: Timestamp,
) -> Decision {
    let found = license.find_target(target);
    let activation = found.ok_or_else(|| LicenseRejection::ActivationNotFound(target.id()))?;
    if activation.deactivated_at.is_some() {
        return Ok(vec![]);
    }
    let activation_id = activation.activated.activation_id;
    if !by_operator {
        seats::expect_not_checked_out(license, activation_id, at)?;
    }
    Ok(vec![LicenseEvent::Deactivated(LicenseDeactivated {
        activation_id,
        reason,
        silent: !activation.is_seated(),
        at,
    })])
}

fn renew(
    license: &IssuedLicense,
    duration_days: Option<u32>,
    expires_at: Option<Timestamp>,
    reason: Option<String>,
    at: Timestamp,
) -> Decision {
    open_to_change(license)?;
    let by_policy = || Some(license.expires_at?.max(at).plus_days(duration_days?));
    let end = expires_at.or_else(by_policy).ok_or(LicenseRejection::NotRenewable)?;
    check(&license.overrides, license.valid_from, Some(end))?;
    Ok(vec![LicenseEvent::Renewed(LicenseRenewed {
        expires_at: end,
        reason,
        at,
    })])
}

fn note_usage(license: &IssuedLicense, crossed: LicenseLimitCrossed) -> Vec<LicenseEvent> {
    let news = crossed.used > crossed.limit && !license.has_noted(&crossed.meter, crossed.period);
    news.then_some(LicenseEvent::LimitCrossed(crossed))
        .into_iter()
        .collect()
}

fn note_expiry(license: &IssuedLicense, at: Timestamp) -> Vec<LicenseEvent> {
    let counts = matches!(license.standing, Standing::Active | Standing::Suspended) && !license.expiry_noted;
    let ended = license.expires_at.filter(|end| counts && *end <= at);
    ended
        .map(|expires_at| LicenseEvent::Expired(LicenseExpired { expires_at, at }))
        .into_iter()
        .collect()
}
