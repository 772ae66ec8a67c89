//! The rules that hand out seats.

use std::sync::Arc;

use super::{
    command::Activate,
    event::{LicenseActivated, LicenseDeactivated, LicenseEvent, LicenseStarted},
    machines::Activation,
    rejection::{InsufficientFingerprint, LicenseRejection},
    seats,
    state::{IssuedLicense, Standing},
};
use crate::{
    policy::DurationFrom,
    values::{ActivationId, AppVersion},
};

/// Gives a machine a seat, or says why not; a machine that has one keeps it and nothing is recorded.
/// The order of the refusals is the contract's.
pub(super) fn activate(license: &IssuedLicense, order: Activate) -> Result<Vec<LicenseEvent>, LicenseRejection> {
    let known = license.find_machine(&order.identity, &order.terms);
    admit(license, &order, known)?;
    if let Some(known) = known {
        return seats::revive(license, known.id(), &order.terms, order.policy_version, order.at);
    }
    seats::expect_free(license, &order.terms)?;
    let started = start(license, &order);
    let mut events = vec![LicenseEvent::Activated(seat(order, None))];
    events.extend(started);
    Ok(events)
}

/// Gives one machine's seat to another. What was done already is told again without a record, as long as it holds.
pub(super) fn transfer(
    license: &IssuedLicense,
    from: ActivationId,
    by_operator: bool,
    order: Activate,
    reason: Option<&str>,
) -> Result<Vec<LicenseEvent>, LicenseRejection> {
    let known = license.find_machine(&order.identity, &order.terms);
    admit(license, &order, known)?;
    let giving = license.activation(from);
    let giving = giving.ok_or(LicenseRejection::ActivationNotFound(Some(from)))?;
    if let Some(known) = known.filter(|known| known.is_seated()) {
        return if known.activated.transferred_from == Some(from) {
            Ok(vec![])
        } else {
            Err(LicenseRejection::AlreadyActive(known.id()))
        };
    }
    if !giving.is_seated() {
        return Err(LicenseRejection::ActivationNotActive(from));
    }
    if !by_operator {
        seats::expect_not_checked_out(license, from, order.at)?;
    }
    seats::expect_transfers_left(license, &order.terms, order.at)?;
    // A machine that was here before and fell silent begins anew: what it had is closed.
    let gone = known.map(|known| (known.id(), true));
    let ended = gone.into_iter().chain([(from, false)]).map(|(activation_id, silent)| {
        LicenseEvent::Deactivated(LicenseDeactivated {
            activation_id,
            reason: Some(reason.unwrap_or("transferred").to_owned()),
            silent,
            at: order.at,
        })
    });
    let mut events: Vec<LicenseEvent> = ended.collect();
    events.push(LicenseEvent::Activated(seat(order, Some(from))));
    Ok(events)
}

/// What must hold before seats are looked at.
fn admit(license: &IssuedLicense, order: &Activate, known: Option<&Arc<Activation>>) -> Result<(), LicenseRejection> {
    match license.standing {
        Standing::Active => {}
        Standing::Suspended => return Err(LicenseRejection::Suspended),
        Standing::Revoked => return Err(LicenseRejection::Revoked),
        Standing::Retired => return Err(LicenseRejection::NotFound),
    }
    seats::expect_open(license, &order.terms, order.at)?;
    // A machine that was activated under older rules stays known by what it was known by then.
    if known.is_none() {
        check_fingerprint(order)?;
    }
    if let (Some(minimum), Some(version)) = (&order.min_version, &order.app_version)
        && !version.is_at_least(minimum)
    {
        return Err(LicenseRejection::VersionUnsupported {
            minimum: minimum.clone(),
        });
    }
    Ok(())
}

fn seat(order: Activate, transferred_from: Option<ActivationId>) -> LicenseActivated {
    LicenseActivated {
        activation_id: order.activation_id,
        components: order.identity.components,
        policy_version: order.policy_version,
        hostname: order.hostname,
        os: order.os,
        app_version: order.app_version.map(|version| AppVersion::new(&version.to_string())),
        transferred_from,
        hold_seconds: order.terms.hold_seconds(),
        at: order.at,
    }
}

/// A duration that is counted from the first machine begins with it.
fn start(license: &IssuedLicense, order: &Activate) -> Option<LicenseEvent> {
    let from_machine = license.issued.awaits_machine || order.terms.duration_from == DurationFrom::FirstActivation;
    let waits = from_machine && license.expires_at.is_none() && license.is_untouched();
    let days = order.terms.duration_days.filter(|_| waits)?;
    Some(LicenseEvent::Started(LicenseStarted {
        expires_at: order.at.plus_days(days),
        at: order.at,
    }))
}

fn check_fingerprint(order: &Activate) -> Result<(), LicenseRejection> {
    if order.fingerprint.is_absent() {
        return Err(LicenseRejection::FingerprintRequired);
    }
    let (components, rule) = (&order.identity.components, order.terms.match_rule());
    if rule.is_met_by(components) {
        return Ok(());
    }
    let mut dropped = order.fingerprint.dropped();
    let has_placeholder = !dropped.is_empty();
    dropped.extend(order.fingerprint.unnamed(rule.extra));
    let too_little = InsufficientFingerprint {
        present: components.count(rule.extra),
        required: rule.required,
        dropped,
    };
    if has_placeholder {
        Err(LicenseRejection::FingerprintPlaceholder(too_little))
    } else {
        Err(LicenseRejection::FingerprintInsufficient(too_little))
    }
}
