//! Says whether a machine may run. Nothing is recorded.

use std::sync::Arc;

use licet_domain::{
    license::{Activation, IssuedLicense},
    validate::{Machine, Request, Subject, Verdict, validate},
    values::{ActivationId, AppVersion, Components, LicenseId, RawFingerprint, Timestamp},
};

use super::{InForce, activate::normalize};
use crate::{CommandError, Context, Platform};

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
    /// Validates a machine against the durable state in memory.
    pub async fn verify(
        &self,
        context: &Context,
        asked: &Verification,
        app_version: Option<&str>,
        features: &[String],
    ) -> Result<Verified, CommandError> {
        let (license, seat) = match asked {
            Verification::Key {
                license_key,
                fingerprint,
            } => {
                let fingerprint = normalize(fingerprint)?;
                let Some((id, license)) = self.license_by_key(&context.tenant, license_key).await? else {
                    return Ok(not_found());
                };
                let key = self.fingerprint_key(&context.tenant, id).await?;
                (
                    license,
                    Seat::Machine {
                        absent: fingerprint.is_absent(),
                        components: fingerprint.hash(&key),
                    },
                )
            }
            Verification::Activation(id, activation) => (
                self.licenses.get(&context.tenant, id.0).await?,
                Seat::Named(*activation),
            ),
        };
        if license.state.in_books().is_none() {
            return Ok(not_found());
        }
        let in_force = self.in_force(&context.tenant, &license).await?;
        let (machine, activation) = seat.find(&in_force);
        let (window, min_version) = (
            in_force.license().window(in_force.terms()),
            in_force.product.min_version.as_ref(),
        );
        let (in_features, limits) = (in_force.features(), in_force.limits());
        let standing = in_force.license().standing;
        let subject = Subject {
            standing,
            window,
            features: &in_features,
            limits: &limits,
            min_version,
            machine,
        };
        let version = app_version.map(AppVersion::new);
        let request = Request {
            app_version: version.as_ref(),
            features,
            usage: &[],
        };
        let verdict = validate(Some(&subject), &request, context.now);
        drop((in_features, limits));
        Ok(Verified {
            verdict,
            activation,
            in_force: Some(in_force),
        })
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
enum Seat {
    Machine { absent: bool, components: Components },
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
        found.map_or((Machine::NotActivated, None), |activation| {
            (Machine::Seated, Some(Arc::clone(activation)))
        })
    }
}
