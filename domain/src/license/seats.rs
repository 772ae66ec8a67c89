//! What must hold before a seat is given, and the rules of floating seats: held by beats, free after silence, taken again while one is free; and of seats that are
//! taken along offline.

use super::{
    event::{LicenseCheckedOut, LicenseEvent, LicenseSeatReleased, LicenseSeatRevived},
    rejection::LicenseRejection,
    state::{IssuedLicense, Standing},
};
use crate::{
    SeatHold,
    policy::Terms,
    validate::Phase,
    values::{ActivationId, Timestamp},
};

/// Refuses outside the time for which the license is.
pub(super) fn expect_open(license: &IssuedLicense, terms: &Terms, at: Timestamp) -> Result<(), LicenseRejection> {
    match license.window(terms).phase(at) {
        Phase::NotYet => Err(LicenseRejection::NotYetValid(license.valid_from)),
        Phase::Over { expired_at } => Err(LicenseRejection::Expired(expired_at)),
        Phase::Valid | Phase::Grace => Ok(()),
    }
}

/// Refuses when seats have moved as often as the policy allows in its period.
pub(super) fn expect_transfers_left(
    license: &IssuedLicense,
    terms: &Terms,
    at: Timestamp,
) -> Result<(), LicenseRejection> {
    let Some(limit) = terms.max_transfers else {
        return Ok(());
    };
    let days = terms.transfer_period_days;
    let since = days.map(|days| at.plus_seconds(-i64::from(days) * 86_400));
    let made = license.transfers_since(since);
    if made >= limit {
        return Err(LicenseRejection::TransferLimitReached { limit, made });
    }
    Ok(())
}

/// Refuses when every seat is taken.
pub(super) fn expect_free(license: &IssuedLicense, terms: &Terms) -> Result<(), LicenseRejection> {
    let (limit, active) = (license.seats(terms), license.active);
    if active >= limit {
        return Err(LicenseRejection::ActivationLimitReached { limit, active });
    }
    Ok(())
}

/// Takes a silent machine's seat back. That its hold has run out is checked by the log, under its lock.
pub(super) fn release(
    license: &IssuedLicense,
    activation_id: ActivationId,
    terms: &Terms,
    at: Timestamp,
) -> Vec<LicenseEvent> {
    let known = license.activation(activation_id).filter(|known| known.is_seated());
    // What was taken along before its policy floated is held by no beat.
    let at_home = known.is_some_and(|known| known.checked_out_until.is_none_or(|until| until <= at));
    (at_home && terms.floating)
        .then_some(LicenseEvent::SeatReleased(LicenseSeatReleased { activation_id, at }))
        .into_iter()
        .collect()
}

/// Gives a silent machine its seat again; one that has it keeps it.
pub(super) fn revive(
    license: &IssuedLicense,
    activation_id: ActivationId,
    terms: &Terms,
    policy_version: u32,
    at: Timestamp,
) -> Result<Vec<LicenseEvent>, LicenseRejection> {
    let known = license.activation(activation_id);
    let known = known.ok_or(LicenseRejection::ActivationNotFound(Some(activation_id)))?;
    if known.deactivated_at.is_some() {
        return Err(LicenseRejection::ActivationNotActive(activation_id));
    }
    if known.is_seated() {
        return Ok(vec![]);
    }
    expect_free(license, terms)?;
    Ok(vec![LicenseEvent::SeatRevived(LicenseSeatRevived {
        activation_id,
        policy_version,
        hold_seconds: terms.hold_seconds(),
        at,
    })])
}

/// Refuses to free a seat that was taken along: its file is good without a network, so only an operator ends it early.
pub(super) fn expect_not_checked_out(
    license: &IssuedLicense,
    activation_id: ActivationId,
    at: Timestamp,
) -> Result<(), LicenseRejection> {
    let known = license.activation(activation_id).filter(|known| known.is_seated());
    match known
        .and_then(|known| known.checked_out_until)
        .filter(|until| *until > at)
    {
        Some(until) => Err(LicenseRejection::CheckedOut(until)),
        None => Ok(()),
    }
}

/// Lets a seated machine take its seat along without a network.
pub(super) fn check_out(
    license: &IssuedLicense,
    activation_id: ActivationId,
    until: Timestamp,
    terms: &Terms,
    at: Timestamp,
) -> Result<Vec<LicenseEvent>, LicenseRejection> {
    match license.standing {
        Standing::Active => {}
        Standing::Suspended => return Err(LicenseRejection::Suspended),
        Standing::Revoked => return Err(LicenseRejection::Revoked),
        Standing::Retired => return Err(LicenseRejection::Retired),
    }
    let known = license.activation(activation_id);
    let known = known.ok_or(LicenseRejection::ActivationNotFound(Some(activation_id)))?;
    if !known.is_seated() {
        return Err(LicenseRejection::ActivationNotActive(activation_id));
    }
    let usable = license.window(terms).usable_until().is_none_or(|end| until <= end);
    if until <= at || until > at.plus_days(366) || !usable {
        return Err(LicenseRejection::CheckOutOutOfRange);
    }
    // The file of a longer one is out: it is never shortened.
    if known.checked_out_until.is_some_and(|known| known >= until) {
        return Ok(vec![]);
    }
    // The lease in the file lasts as long as the seat is held in any case, or as long as it is taken along.
    let taken_along = u32::try_from(until.seconds() - at.seconds() + 60).unwrap_or(u32::MAX);
    let hold_seconds = terms.hold_seconds().map(|seconds| seconds.max(taken_along));
    Ok(vec![LicenseEvent::CheckedOut(LicenseCheckedOut {
        activation_id,
        until,
        hold_seconds,
        at,
    })])
}

/// What these events mean for the holds that the log keeps.
pub(super) fn holds(license: &IssuedLicense, events: &[LicenseEvent]) -> Vec<SeatHold> {
    let take = |activation_id, seconds: Option<u32>| {
        seconds.map(|seconds| SeatHold::Take {
            activation_id,
            license_id: license.issued.license_id,
            seconds,
        })
    };
    events
        .iter()
        .filter_map(|event| match event {
            LicenseEvent::Activated(event) => take(event.activation_id, event.hold_seconds),
            LicenseEvent::SeatRevived(event) => take(event.activation_id, event.hold_seconds),
            LicenseEvent::CheckedOut(event) => take(event.activation_id, event.hold_seconds),
            LicenseEvent::Deactivated(event) => Some(SeatHold::Free {
                activation_id: event.activation_id,
            }),
            LicenseEvent::SeatReleased(event) => Some(SeatHold::Free {
                activation_id: event.activation_id,
            }),
            _ => None,
        })
        .collect()
}
