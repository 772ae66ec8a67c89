//! The lease: verified with no network, by the same rules as the server's.

use crate::{Error, Fingerprint, PinnedKeys};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use licet_contracts::lease::{ISSUER, LEASE_TYPE, LeaseClaims};
use licet_domain::{
    license::Standing,
    validate::{Machine, Request, Subject, Window, validate},
    values::{Components, Features, Limit, Limits, MatchRule, Timestamp, Version, VersionScheme},
};

/// How far into the future a lease may have been issued: the clocks' honest disagreement.
const AHEAD_SECONDS: i64 = 300;

/// A lease whose signature holds.
#[derive(Debug, Clone)]
pub struct OfflineLease {
    claims: LeaseClaims,
}

/// What a program that may run learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licensed {
    /// The license's id.
    pub license_id: String,
    /// The activation's id.
    pub activation_id: String,
    /// The product's code.
    pub product: String,
    /// When the lease ends, RFC 3339.
    pub expires_at: String,
    /// Whether the license itself has ended and lives in its grace.
    pub in_grace: bool,
    /// The features that are on now.
    pub features: Vec<String>,
}

/// What of a license a lease carries.
struct LeasedLicense {
    features: Features,
    limits: Limits,
    window: Window,
    min_version: Option<Version>,
    version_scheme: VersionScheme,
}

impl OfflineLease {
    /// Reads a lease and checks that one of these keys signed it.
    pub fn read(token: &str, keys: &PinnedKeys) -> Result<Self, Error> {
        let claims: LeaseClaims = keys.verify(token, LEASE_TYPE)?;
        if claims.iss != ISSUER || claims.ver != 1 {
            return Err(Error::Lease("it is of another issuer or version; update the program"));
        }
        Ok(Self { claims })
    }

    /// When it ends.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_millis(self.claims.exp.saturating_mul(1000))
    }

    /// When it was issued.
    pub fn issued_at(&self) -> Timestamp {
        Timestamp::from_millis(self.claims.iat.saturating_mul(1000))
    }

    /// The license that it belongs to.
    pub fn license_id(&self) -> &str {
        &self.claims.lic.id
    }

    /// The activation that it belongs to.
    pub fn activation_id(&self) -> &str {
        &self.claims.act
    }

    /// Says whether this machine may run now.
    pub fn check(
        &self,
        machine: &Fingerprint,
        app_version: Option<&str>,
        features: &[&str],
        now: Timestamp,
    ) -> Result<Licensed, Error> {
        if now.plus_seconds(AHEAD_SECONDS) < self.issued_at() {
            return Err(Error::Lease("it was issued in the future; check this machine's clock"));
        }
        if now >= self.expires_at() {
            return Err(Error::LeaseEnded(self.expires_at().to_string()));
        }
        self.check_machine(machine)?;
        let lent = self.lent()?;
        let subject = Subject {
            standing: Standing::Active,
            window: lent.window,
            features: &lent.features,
            limits: &lent.limits,
            min_version: lent.min_version.as_ref(),
            machine: Machine::Seated,
        };
        let version = app_version.filter(|text| !text.trim().is_empty());
        let version = version.map(|text| lent.version_scheme.read(text)).transpose();
        let version = version.map_err(|_| Error::NotValid {
            code: "VERSION_INVALID",
            detail: "The program's version cannot be read.",
        })?;
        let wanted: Vec<String> = features.iter().map(ToString::to_string).collect();
        let request = Request {
            app_version: version.as_ref(),
            features: &wanted,
            usage: &[],
        };
        let verdict = validate(Some(&subject), &request, now);
        if !verdict.is_valid() {
            return Err(Error::NotValid {
                code: verdict.code(),
                detail: verdict.detail(),
            });
        }
        let on = lent.features.iter().filter(|(_, feature)| feature.is_on(now));
        Ok(Licensed {
            license_id: self.claims.lic.id.clone(),
            activation_id: self.claims.act.clone(),
            product: self.claims.lic.product.clone(),
            expires_at: self.expires_at().to_string(),
            in_grace: verdict == licet_domain::validate::Verdict::ExpiredInGrace,
            features: on.map(|(name, _)| name.clone()).collect(),
        })
    }

    /// What of the license the lease carries.
    fn lent(&self) -> Result<LeasedLicense, Error> {
        let license = &self.claims.lic;
        let features: Features = license
            .features
            .iter()
            .map(|(name, value)| serde_json::from_value(value.clone()).map(|feature| (name.clone(), feature)))
            .collect::<Result<_, _>>()
            .map_err(|_| Error::Lease("its features cannot be read"))?;
        let time = |text: &str| Timestamp::parse(text).map_err(|_| Error::Lease("its times cannot be read"));
        let window = Window {
            valid_from: time(&license.valid_from)?,
            expires_at: license.expires_at.as_deref().map(time).transpose()?,
            grace_days: license.grace_days,
        };
        let minimum = license.min_version.as_deref().map(str::parse).transpose();
        let minimum = minimum.map_err(|_| Error::Lease("its minimum version cannot be read"))?;
        let version_scheme = license.version_scheme.as_deref();
        let version_scheme = version_scheme.map_or(Ok(VersionScheme::default()), VersionScheme::parse);
        let hard = |(meter, amount): (&String, &u64)| (meter.clone(), Limit::hard(*amount));
        let limits: Limits = license.limits.iter().map(hard).collect();
        Ok(LeasedLicense {
            features,
            limits,
            window,
            min_version: minimum,
            version_scheme: version_scheme.map_err(|_| Error::Lease("its versions cannot be read"))?,
        })
    }

    pub(crate) fn check_machine(&self, machine: &Fingerprint) -> Result<(), Error> {
        let leased = &self.claims.fpr;
        let key = URL_SAFE_NO_PAD
            .decode(&leased.salt)
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let key = key.ok_or(Error::Lease("its salt cannot be read"))?;
        let expected: Components = serde_json::from_value(leased.components.clone())
            .map_err(|_| Error::Lease("its components cannot be read"))?;
        // A lease that asks for nothing would hold on every machine.
        if leased.required == 0 {
            return Err(Error::OtherMachine);
        }
        let rule = MatchRule {
            required: usize::from(leased.required),
            extra: &leased.extra,
            veto: &leased.veto,
        };
        let own = machine.normalized()?.hash(&key);
        own.agreement(&expected, rule).map(|_| ()).ok_or(Error::OtherMachine)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever stands in a lease file, reading it is an error, never a panic and never a yes.
        #[test]
        fn nonsense_is_refused(text in "\\PC{0,300}", parts in prop::collection::vec("[A-Za-z0-9_-]{0,60}", 0..5)) {
            prop_assert!(OfflineLease::read(&text, &PinnedKeys::default()).is_err());
            prop_assert!(OfflineLease::read(&parts.join("."), &PinnedKeys::default()).is_err());
        }
    }
}
