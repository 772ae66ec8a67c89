//! Issues leases: the signed files with which machines run offline.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use licet_commands::license::InForce;
use licet_contracts::lease::{ISSUER, LEASE_TYPE, LeaseClaims, LeasedFingerprint, LeasedLicense};
use licet_domain::{
    license::Activation,
    values::{ActivationId, Timestamp},
};
use moka::sync::Cache;
use std::sync::Arc;

use crate::{App, render};

/// A signed lease.
#[derive(Clone)]
pub(crate) struct Lease {
    pub(crate) token: Arc<str>,
    pub(crate) expires_at: Timestamp,
}

/// For how long the same lease is answered: a lease lives for days, and a fresh one each time would say no more.
const REUSE_SECONDS: i64 = 3_600;

/// What a lease rests on: it is issued anew when one of these has changed.
type Basis = (u64, u32, Option<semver::Version>);

/// Leases that were just issued, bounded by their size in memory.
pub(crate) struct LeaseCache(Cache<ActivationId, (Basis, Timestamp, Lease)>);

impl LeaseCache {
    pub(crate) fn new() -> Self {
        let weigh = |_: &ActivationId, entry: &(Basis, Timestamp, Lease)| {
            u32::try_from(entry.2.token.len())
                .unwrap_or(u32::MAX)
                .saturating_add(200)
        };
        Self(Cache::builder().max_capacity(32 << 20).weigher(weigh).build())
    }
}

/// A fresh lease for a machine whose last one, of this node, is due for renewal or rests on what has changed.
pub(crate) fn renew(
    app: &App,
    in_force: &InForce,
    activation: &Activation,
    key: &[u8; 32],
    now: Timestamp,
) -> Option<Lease> {
    let known = app.leases.0.get(&activation.id()).map(|(_, at, _)| at);
    let lease = issue(app, in_force, activation, key, now);
    let newest = app.leases.0.get(&activation.id()).map(|(_, at, _)| at);
    (known != newest).then_some(lease)
}

/// The lease for a machine, issued now or within the last hour on the same license, policy and minimum version.
/// `key` is the one under which the license's machines are hashed.
pub(crate) fn issue(app: &App, in_force: &InForce, activation: &Activation, key: &[u8; 32], now: Timestamp) -> Lease {
    let id = activation.activated.activation_id;
    let basis = (
        in_force.version,
        in_force.policy.version,
        in_force.product.min_version.clone(),
    );
    if let Some((issued_on, at, lease)) = app.leases.0.get(&id)
        && issued_on == basis
        && at <= now
        && now < at.plus_seconds(REUSE_SECONDS.min((lease.expires_at.seconds() - at.seconds()) / 4))
    {
        return lease;
    }
    let expires_at = end(in_force, activation, now);
    let claims = claims(app, in_force, activation, key, (now, expires_at));
    let token = super::jws(app, LEASE_TYPE, &claims).into();
    let lease = Lease { token, expires_at };
    app.leases.0.insert(id, (basis, now, lease.clone()));
    lease
}

/// The lease's days on, never past the license's own end and grace; a floating seat's never past its hold, because the
/// seat falls free then, but as far as it was checked out. Whole seconds, as JOSE counts them.
fn end(in_force: &InForce, activation: &Activation, now: Timestamp) -> Timestamp {
    let terms = in_force.terms();
    let by_policy = match terms.hold_seconds() {
        Some(seconds) => now
            .plus_seconds(i64::from(seconds))
            .min(now.plus_days(terms.lease_days)),
        None => now.plus_days(terms.lease_days),
    };
    let by_policy = activation
        .checked_out_until
        .map_or(by_policy, |until| until.max(by_policy));
    let by_license = in_force.license().window(in_force.terms()).usable_until();
    let end = by_license.map_or(by_policy, |end| end.min(by_policy));
    Timestamp::from_millis(end.seconds() * 1000)
}

fn claims(
    app: &App,
    in_force: &InForce,
    activation: &Activation,
    key: &[u8; 32],
    (now, end): (Timestamp, Timestamp),
) -> LeaseClaims {
    let (license, terms) = (in_force.license(), in_force.terms());
    let components = serde_json::to_value(&activation.activated.components);
    LeaseClaims {
        iss: ISSUER.to_owned(),
        jti: app.platform.edge.id().to_string(),
        iat: now.seconds(),
        exp: end.seconds(),
        lic: LeasedLicense {
            id: in_force.id().to_string(),
            product: in_force.product.code.to_string(),
            valid_from: license.valid_from.to_string(),
            expires_at: license.expires_at.map(|end| end.to_string()),
            grace_days: terms.grace_days,
            features: render::features(&in_force.features()),
            limits: render::amounts(&in_force.limits()),
            min_version: in_force.product.min_version.as_ref().map(ToString::to_string),
        },
        act: activation.activated.activation_id.to_string(),
        fpr: LeasedFingerprint {
            salt: URL_SAFE_NO_PAD.encode(key),
            required: terms.fingerprint_match,
            extra: terms.fingerprint_extra.clone(),
            components: components.expect("hashes and names always encode"),
        },
        ver: 1,
    }
}
