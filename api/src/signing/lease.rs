//! Issues leases: the signed files with which machines run offline.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use licet_commands::license::EffectiveLicense;
use licet_contracts::lease::{ISSUER, LEASE_TYPE, LeaseClaims, LeasedFingerprint, LeasedLicense};
use licet_domain::{
    license::Activation,
    values::{ActivationId, Timestamp, Version, VersionScheme},
};
use licet_event_store::holds;
use moka::sync::Cache;
use std::sync::Arc;

use crate::{
    App,
    problem::{Result, unavailable},
    render,
};

/// A signed lease.
#[derive(Clone)]
pub(crate) struct Lease {
    pub(crate) token: Arc<str>,
    pub(crate) expires_at: Timestamp,
}

/// A lease, and when it was issued.
type Issued = (Timestamp, Lease);

/// For how long the same lease is answered: a lease lives for days, and a fresh one each time would say no more.
const REUSE_SECONDS: i64 = 3_600;

/// What a lease rests on: it is issued anew when one of these has changed.
type Basis = (u64, u32, Option<Version>);

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

/// What holds a floating seat, and so bears its lease. Other seats need nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hold {
    /// This request moves it on, from now.
    Moved,
    /// It stands as it was: until then.
    Until(Timestamp),
}

/// The hold of a seat that this request does not move; `None` when nothing holds it.
pub(crate) async fn hold(app: &App, effective: &EffectiveLicense, activation: &Activation) -> Result<Option<Hold>> {
    if !effective.terms().floating {
        return Ok(Some(Hold::Moved));
    }
    let until = holds::until(app.platform.log.pool(), activation.id()).await;
    Ok(until.map_err(unavailable)?.map(|until| Hold::Until(until.into())))
}

fn basis(effective: &EffectiveLicense) -> Basis {
    (
        effective.version,
        effective.policy.version,
        effective.product.min_version.clone(),
    )
}

/// The lease that this node issued within the last hour on the same license, policy and minimum version. Without one, a
/// machine is due for another.
pub(crate) fn known(
    app: &App,
    effective: &EffectiveLicense,
    activation: &Activation,
    now: Timestamp,
) -> Option<Issued> {
    let (issued_on, at, lease) = app.leases.0.get(&activation.id())?;
    let reused = REUSE_SECONDS.min((lease.expires_at.seconds() - at.seconds()) / 4);
    (issued_on == basis(effective) && at <= now && now < at.plus_seconds(reused)).then_some((at, lease))
}

/// The lease for a machine. `key` is the one under which the license's machines are hashed.
pub(crate) fn issue(
    app: &App,
    effective: &EffectiveLicense,
    activation: &Activation,
    key: &[u8; 32],
    hold: Hold,
    now: Timestamp,
) -> Lease {
    let expires_at = end(effective, activation, hold, now);
    // A hold that was moved on bears a lease that is as good, as an older one might end before the next beat is due. An
    // answer that is kept and the same answer as it goes out have the same lease.
    let moved = effective.terms().floating && matches!(hold, Hold::Moved);
    if let Some((at, lease)) = known(app, effective, activation, now)
        && lease.expires_at <= expires_at
        && (!moved || at == now)
    {
        return lease;
    }
    let claims = claims(app, effective, activation, key, now, expires_at);
    let token = super::jws(app, LEASE_TYPE, &claims).into();
    let lease = Lease { token, expires_at };
    let entry = (basis(effective), now, lease.clone());
    app.leases.0.insert(activation.id(), entry);
    lease
}

/// The lease's days on, never past the license's own end and grace; a floating seat's never past its hold, because the
/// seat falls free then, but as far as it was checked out. Whole seconds, as JOSE counts them.
fn end(effective: &EffectiveLicense, activation: &Activation, hold: Hold, now: Timestamp) -> Timestamp {
    let terms = effective.terms();
    let by_days = now.plus_days(terms.lease_days);
    let by_policy = match (terms.hold_seconds(), hold) {
        (Some(seconds), Hold::Moved) => now.plus_seconds(i64::from(seconds)).min(by_days),
        (Some(_), Hold::Until(held_until)) => held_until.min(by_days),
        (None, _) => by_days,
    };
    let by_policy = activation
        .checked_out_until
        .map_or(by_policy, |until| until.max(by_policy));
    let by_license = effective.license().window(effective.terms()).usable_until();
    let end = by_license.map_or(by_policy, |end| end.min(by_policy));
    Timestamp::from_millis(end.seconds() * 1000)
}

fn claims(
    app: &App,
    effective: &EffectiveLicense,
    activation: &Activation,
    key: &[u8; 32],
    now: Timestamp,
    end: Timestamp,
) -> LeaseClaims {
    let (license, terms) = (effective.license(), effective.terms());
    let components = serde_json::to_value(&activation.activated.components);
    LeaseClaims {
        iss: ISSUER.to_owned(),
        jti: app.platform.edge.id().to_string(),
        iat: now.seconds(),
        exp: end.seconds(),
        lic: LeasedLicense {
            id: effective.id().to_string(),
            product: effective.product.code.to_string(),
            valid_from: license.valid_from.to_string(),
            expires_at: license.expires_at.map(|end| end.to_string()),
            grace_days: terms.grace_days,
            features: render::features(&effective.features()),
            limits: render::amounts(&effective.limits()),
            min_version: effective.product.min_version.as_ref().map(ToString::to_string),
            version_scheme: scheme(effective.product.version_scheme),
        },
        act: activation.activated.activation_id.to_string(),
        fpr: LeasedFingerprint {
            salt: URL_SAFE_NO_PAD.encode(key),
            required: terms.fingerprint_match,
            extra: terms.fingerprint_extra.clone(),
            veto: terms.fingerprint_veto.clone(),
            components: components.expect("hashes and names always encode"),
        },
        ver: 1,
    }
}

/// Semantic versions go without saying: older clients know no other.
fn scheme(scheme: VersionScheme) -> Option<String> {
    (scheme != VersionScheme::default()).then(|| scheme.as_str().to_owned())
}
