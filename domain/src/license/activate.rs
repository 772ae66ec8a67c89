//! The rule that hands out seats.

use super::{
    command::Activate,
    event::{LicenseActivated, LicenseEvent},
    rejection::LicenseRejection,
    state::{IssuedLicense, Standing},
};
use crate::validate::Phase;

/// Gives a machine a seat, or says why not; a machine that has one keeps it and nothing is recorded.
/// The order of the refusals is the contract's.
pub(super) fn activate(license: &IssuedLicense, order: Activate) -> Result<Vec<LicenseEvent>, LicenseRejection> {
    match license.standing {
        Standing::Active => {}
        Standing::Suspended => return Err(LicenseRejection::Suspended),
        Standing::Revoked => return Err(LicenseRejection::Revoked),
        Standing::Retired => return Err(LicenseRejection::NotFound),
    }
    match license.window(&order.terms).phase(order.at) {
        Phase::NotYet => return Err(LicenseRejection::NotYetValid(license.valid_from)),
        Phase::Over { expired_at } => return Err(LicenseRejection::Expired(expired_at)),
        Phase::Valid | Phase::Grace => {}
    }
    check_fingerprint(&order)?;
    if let (Some(minimum), Some(version)) = (&order.min_version, &order.app_version)
        && !version.is_at_least(minimum)
    {
        return Err(LicenseRejection::VersionUnsupported {
            minimum: minimum.clone(),
        });
    }
    if license.find_machine(&order.components, &order.terms).is_some() {
        return Ok(vec![]);
    }
    let limit = license.seats(&order.terms);
    if license.active >= limit {
        return Err(LicenseRejection::ActivationLimitReached {
            limit,
            active: license.active,
        });
    }
    Ok(vec![LicenseEvent::Activated(LicenseActivated {
        activation_id: order.activation_id,
        components: order.components,
        policy_version: order.policy_version,
        hostname: order.hostname,
        os: order.os,
        app_version: order.app_version,
        at: order.at,
    })])
}

fn check_fingerprint(order: &Activate) -> Result<(), LicenseRejection> {
    if order.fingerprint.is_absent() {
        return Err(LicenseRejection::FingerprintRequired);
    }
    let present = order.components.count(&order.terms.fingerprint_extra);
    let required = usize::from(order.terms.fingerprint_match);
    match (present >= required, order.fingerprint.placeholders() > 0) {
        (true, _) => Ok(()),
        (false, true) => Err(LicenseRejection::FingerprintPlaceholder { present, required }),
        (false, false) => Err(LicenseRejection::FingerprintInsufficient { present, required }),
    }
}
