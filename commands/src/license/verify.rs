//! Says whether a machine may run. Only refusals are recorded.

use std::{collections::BTreeMap, sync::Arc};

use licet_domain::{
    license::{Activation, IssuedLicense},
    validate::{Machine, Request, Verdict, validate},
    values::{ActivationId, AppVersion, Components, LicenseId, RawFingerprint, Timestamp},
};
use serde_json::json;

use super::{
    InForce,
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
pub struct Wanted {
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
    pub in_force: Option<InForce>,
    /// The machine's seat, if it has one.
    pub activation: Option<Arc<Activation>>,
}

impl Platform {
    /// The license that is asked about, with how the machine named itself; `None` where there is none in the books.
    pub async fn find_asked(
        &self,
        context: &Context,
        asked: &Verification,
    ) -> Result<Option<(InForce, Seat)>, CommandError> {
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
                let absent = fingerprint.is_absent();
                let components = fingerprint.hash(&key);
                (license, Seat::Machine { absent, components })
            }
            Verification::Activation(id, activation) => (
                self.licenses.get(&context.tenant, id.0).await?,
                Seat::Named(*activation),
            ),
        };
        if license.state.in_books().is_none() {
            return Ok(None);
        }
        Ok(Some((self.in_force(&context.tenant, &license).await?, seat)))
    }

    /// A machine without a seat may have got one on another node just now: before it is refused, the log is asked.
    async fn with_new_seats(&self, context: &Context, in_force: InForce, seat: &Seat) -> InForce {
        if !matches!(seat.find(&in_force).0, Machine::NotActivated | Machine::SilentTooLong) {
            return in_force;
        }
        match Box::pin(self.licenses.fresh(&context.tenant, in_force.id().0)).await {
            Ok(license) if license.state.in_books().is_some() => {
                self.in_force(&context.tenant, &license).await.unwrap_or(in_force)
            }
            _ => in_force,
        }
    }

    /// Validates a machine against the durable state in memory; `used` is what its license used in this billing period.
    pub async fn verify(
        &self,
        context: &Context,
        asked: Option<(InForce, Seat)>,
        wanted: &Wanted,
        used: &BTreeMap<String, u64>,
    ) -> Verified {
        let Some((in_force, seat)) = asked else {
            return not_found();
        };
        let in_force = self.with_new_seats(context, in_force, &seat).await;
        let (machine, activation) = seat.find(&in_force);
        let version = wanted.app_version.as_deref().map(AppVersion::new);
        let totals: Vec<(String, u64)> = used.iter().map(|(meter, used)| (meter.clone(), *used)).collect();
        let request = Request {
            app_version: version.as_ref(),
            features: &wanted.features,
            usage: &totals,
        };
        let verdict = in_force.validate(machine, &request, context.now);
        if !verdict.is_valid() {
            let mut facts = in_force.facts(&totals);
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
            let named = activation.as_ref().or_else(|| seat.named(&in_force));
            let refusal = Refusal {
                license_id: in_force.id(),
                machine: seat.components(named.map(Arc::as_ref)),
                activation_id: named.map(|activation| activation.id()),
                asked: "verify",
                code: verdict.code(),
                policy_version: in_force.policy.version,
                facts,
            };
            Box::pin(self.note_refusal(context, refusal)).await;
        }
        Verified {
            verdict,
            activation: activation.filter(|activation| activation.is_seated()),
            in_force: Some(in_force),
        }
    }
}

fn not_found() -> Verified {
    Verified {
        verdict: validate(None, &Request::default(), Timestamp::default()),
        in_force: None,
        activation: None,
    }
}

/// How the asking machine named itself.
pub enum Seat {
    /// By what it is known by.
    Machine {
        /// Whether it sent nothing at all.
        absent: bool,
        /// What it sent, as hashes.
        components: Components,
    },
    /// By its token.
    Named(ActivationId),
}

impl Seat {
    fn find(&self, in_force: &InForce) -> (Machine, Option<Arc<Activation>>) {
        let (license, terms): (&IssuedLicense, _) = (in_force.license(), in_force.terms());
        let found = match self {
            Self::Machine { absent: true, .. } => return (Machine::Unnamed, None),
            Self::Machine { components, .. }
                if components.count(&terms.fingerprint_extra) < usize::from(terms.fingerprint_match) =>
            {
                return (Machine::Insufficient, None);
            }
            Self::Machine { components, .. } => license.find_machine(components, terms),
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

    /// The activation that a token names, active or not.
    fn named<'a>(&self, in_force: &'a InForce) -> Option<&'a Arc<Activation>> {
        match self {
            Self::Machine { .. } => None,
            Self::Named(id) => in_force.license().activation(*id),
        }
    }

    fn components<'a>(&'a self, activation: Option<&'a Activation>) -> Option<&'a Components> {
        match self {
            Self::Machine { components, .. } => Some(components),
            Self::Named(_) => activation.map(|activation| &activation.activated.components),
        }
    }
}
