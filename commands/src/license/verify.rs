//! Says whether a machine may run. Only refusals are recorded.

use std::{collections::BTreeMap, sync::Arc};

use licet_domain::{
    license::{Activation, IssuedLicense},
    validate::{Machine, Request, Verdict, validate},
    values::{ActivationId, Components, Fingerprint, LicenseId, MachineIdentity, RawFingerprint, Timestamp},
};
use serde_json::json;

use super::{
    EffectiveLicense,
    machine::{normalize, short},
};
use crate::{CommandError, Context, Platform, refusals::Refusal};

/// What is asked.
#[derive(Debug, Clone)]
pub enum Verification {
    /// By key and fingerprint.
    Key {
        /// The key as it was typed.
        license_key: String,
        /// What the machine is known by.
        fingerprint: RawFingerprint,
    },
    /// By a token that was checked already.
    Activation(LicenseId, ActivationId),
}

/// What the program says and needs.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Its version.
    pub app_version: Option<String>,
    /// Features that must be on.
    pub features: Vec<String>,
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Verified {
    /// What holds.
    pub verdict: Verdict,
    /// The license, if there is one in the books.
    pub effective: Option<EffectiveLicense>,
    /// The machine's seat, if it has one.
    pub activation: Option<Arc<Activation>>,
    /// The verdict as a sentence; where components of the machine were dropped, with their names and why.
    pub detail: String,
}

impl Platform {
    /// The license that is asked about, with how the machine named itself; `None` where there is none in the books.
    pub async fn find_asked(
        &self,
        context: &Context,
        asked: &Verification,
    ) -> Result<Option<(EffectiveLicense, Seat)>, CommandError> {
        let (license, seat) = match asked {
            Verification::Key {
                license_key,
                fingerprint,
            } => {
                let fingerprint = normalize(fingerprint)?;
                let Some((id, license)) = self.license_by_key(&context.tenant, license_key).await? else {
                    return Ok(None);
                };
                let key = self.fingerprint_key(&context.tenant, id).await?;
                let identity = Box::new(fingerprint.hash(&key));
                (license, Seat::Machine { fingerprint, identity })
            }
            Verification::Activation(id, activation) => (
                self.licenses.get(&context.tenant, id.0).await?,
                Seat::Named(*activation),
            ),
        };
        if license.state.in_books().is_none() {
            return Ok(None);
        }
        Ok(Some((self.effective(&context.tenant, &license).await?, seat)))
    }

    /// A machine without a seat may have got one on another node just now: before it is refused, the log is asked.
    async fn with_new_seats(
        &self,
        context: &Context,
        effective: EffectiveLicense,
        seat: &Seat,
    ) -> Result<EffectiveLicense, CommandError> {
        if !matches!(seat.find(&effective).0, Machine::NotActivated | Machine::SilentTooLong) {
            return Ok(effective);
        }
        let license = Box::pin(self.licenses.fresh(&context.tenant, effective.id().0)).await?;
        if license.state.in_books().is_none() {
            return Ok(effective);
        }
        self.effective(&context.tenant, &license).await
    }

    /// Validates a machine against the durable state in memory; `used` is what its license used in this billing period.
    /// An error where the log cannot be asked whether a machine has got a seat meanwhile: nobody is refused by mistake.
    pub async fn verify(
        &self,
        context: &Context,
        asked: Option<(EffectiveLicense, Seat)>,
        wanted: &VerifyOptions,
        used: &BTreeMap<String, u64>,
    ) -> Result<Verified, CommandError> {
        let Some((effective, seat)) = asked else {
            return Ok(not_found());
        };
        let effective = self.with_new_seats(context, effective, &seat).await?;
        let (machine, activation) = seat.find(&effective);
        let version = effective.read_version(wanted.app_version.as_deref())?;
        let totals: Vec<(String, u64)> = used.iter().map(|(meter, used)| (meter.clone(), *used)).collect();
        let request = Request {
            app_version: version.as_ref(),
            features: &wanted.features,
            usage: &totals,
        };
        let verdict = effective.validate(machine, &request, context.now);
        if !verdict.is_valid() {
            let mut facts = effective.facts(&totals, context.now);
            if let Some(version) = &version {
                facts.insert("app_version".to_owned(), json!(version));
            }
            if verdict == Verdict::FeatureMissing {
                let asked: Vec<String> = wanted
                    .features
                    .iter()
                    .take(20)
                    .filter_map(|name| short(name, 64))
                    .collect();
                facts.insert("features_asked".to_owned(), json!(asked));
            }
            // A token's machine is named, though its seat has ended.
            let named = activation.as_ref().or_else(|| seat.named(&effective));
            let refusal = Refusal {
                license_id: effective.id(),
                machine: seat.components(named.map(Arc::as_ref)),
                activation_id: named.map(|activation| activation.id()),
                asked: "verify",
                code: verdict.code(),
                policy_version: effective.policy.version,
                facts,
            };
            Box::pin(self.note_refusal(context, refusal)).await;
        }
        Ok(Verified {
            verdict,
            activation: activation.filter(|activation| activation.is_seated()),
            detail: seat.detail(verdict),
            effective: Some(effective),
        })
    }
}

fn not_found() -> Verified {
    let verdict = validate(None, &Request::default(), Timestamp::default());
    Verified {
        verdict,
        detail: verdict.detail().to_owned(),
        effective: None,
        activation: None,
    }
}

/// How the asking machine named itself.
pub enum Seat {
    /// By what it is known by.
    Machine {
        /// What it sent.
        fingerprint: Fingerprint,
        /// The same as hashes.
        identity: Box<MachineIdentity>,
    },
    /// By its token.
    Named(ActivationId),
}

impl Seat {
    fn find(&self, effective: &EffectiveLicense) -> (Machine, Option<Arc<Activation>>) {
        let (license, terms): (&IssuedLicense, _) = (effective.license(), effective.terms());
        let found = match self {
            Self::Machine { fingerprint, .. } if fingerprint.is_absent() => return (Machine::Unnamed, None),
            Self::Machine { identity, .. } => {
                let found = license.find_machine(identity, terms);
                // A machine that was activated under older rules stays known by what it was known by then.
                if found.is_none() && !terms.match_rule().is_met_by(&identity.components) {
                    return (Machine::Insufficient, None);
                }
                found
            }
            Self::Named(id) => license
                .activation(*id)
                .filter(|activation| activation.deactivated_at.is_none()),
        };
        match found {
            None => (Machine::NotActivated, None),
            Some(activation) if activation.is_seated() => (Machine::Seated, Some(Arc::clone(activation))),
            Some(activation) => (Machine::SilentTooLong, Some(Arc::clone(activation))),
        }
    }

    fn detail(&self, verdict: Verdict) -> String {
        let dropped = match self {
            Self::Machine { fingerprint, .. } if verdict == Verdict::FingerprintInsufficient => fingerprint.dropped(),
            _ => Vec::new(),
        };
        if dropped.is_empty() {
            return verdict.detail().to_owned();
        }
        let dropped: Vec<String> = dropped.iter().map(ToString::to_string).collect();
        format!("{} Dropped: {}.", verdict.detail(), dropped.join(", "))
    }

    /// The activation that a token names, active or not.
    fn named<'a>(&self, effective: &'a EffectiveLicense) -> Option<&'a Arc<Activation>> {
        match self {
            Self::Machine { .. } => None,
            Self::Named(id) => effective.license().activation(*id),
        }
    }

    fn components<'a>(&'a self, activation: Option<&'a Activation>) -> Option<&'a Components> {
        match self {
            Self::Machine { identity, .. } => Some(&identity.components),
            Self::Named(_) => activation.map(|activation| &activation.activated.components),
        }
    }
}
