//! Gives a machine a seat.

use std::sync::Arc;

use licet_domain::{
    api_key::Scope,
    license::{Activate, Activation, License, LicenseCommand, LicenseRejection},
    values::{ActivationId, AppVersion, Fingerprint, LicenseId, RawFingerprint},
};
use licet_event_store::Tenant;

use super::InForce;
use crate::{Body, CommandError, Context, Done, FieldError, Platform};

/// A machine that asks for a seat.
#[derive(Debug, Clone)]
pub struct ActivationRequest {
    /// The key as it was typed.
    pub license_key: String,
    /// What the machine is known by.
    pub fingerprint: RawFingerprint,
    /// The machine's name.
    pub hostname: Option<String>,
    /// The operating system.
    pub os: Option<String>,
    /// The program's version.
    pub app_version: Option<String>,
}

/// A machine with a seat.
#[derive(Debug, Clone)]
pub struct Activated {
    /// The seat.
    pub activation: Arc<Activation>,
    /// The license after it.
    pub in_force: InForce,
    /// The key under which the license's machines are hashed; leases carry it.
    pub fingerprint_key: [u8; 32],
}

impl Platform {
    /// Gives a machine a seat, or finds the one that it has. A repetition answers the original's position.
    pub async fn activate(
        &self,
        context: &Context,
        request: ActivationRequest,
        body: Body<'_, Activated>,
    ) -> Result<Done<Activated>, CommandError> {
        context.require(Scope::Client)?;
        let found = self.license_by_key(&context.tenant, &request.license_key).await?;
        let (id, license) = found.ok_or(CommandError::License(LicenseRejection::NotFound))?;
        let fingerprint = normalize(&request.fingerprint)?;
        let in_force = self.in_force(&context.tenant, &license).await?;
        let fingerprint_key = self.fingerprint_key(&context.tenant, id).await?;
        let components = fingerprint.hash(&fingerprint_key);
        let hostname = match request.hostname.as_deref().and_then(|text| short(text, 255)) {
            None => None,
            Some(name) => {
                let customer = in_force.license().issued.customer_id;
                self.person_sealer(&context.tenant, customer)
                    .await?
                    .map(|sealer| sealer.seal(&name))
            }
        };
        let order = Activate {
            activation_id: ActivationId(self.edge.id()),
            fingerprint,
            components: components.clone(),
            terms: Arc::clone(in_force.terms()),
            policy_version: in_force.policy.version,
            min_version: in_force.product.min_version.clone(),
            hostname,
            os: request.os.as_deref().and_then(|text| short(text, 100)),
            app_version: request.app_version.as_deref().map(AppVersion::new),
            at: context.now,
        };
        let output = |state: &License| {
            let in_force = in_force.with(state)?;
            let seat = in_force.license().find_machine(&components, in_force.terms());
            let activation = Arc::clone(seat.ok_or(CommandError::License(LicenseRejection::ActivationNotFound(None)))?);
            Ok(Activated {
                activation,
                in_force,
                fingerprint_key,
            })
        };
        let envelope = context.envelope();
        let command = |_: &_| Ok(LicenseCommand::Activate(Box::new(order.clone())));
        let earlier = |activated: &Activated| Some(activated.activation.sequence);
        let about = (id.0, context, envelope);
        let done = self
            .run_repeatable(&self.licenses, about, command, output, body, earlier)
            .await;
        // Refused on terms that another node has just changed? What is true now decides.
        match done {
            Err(CommandError::License(
                LicenseRejection::ActivationLimitReached { .. } | LicenseRejection::VersionUnsupported { .. },
            )) if self.terms_have_changed(&context.tenant, &in_force).await? => {
                Box::pin(self.activate(context, request, body)).await
            }
            done => done,
        }
    }

    /// Whether the policy or the product is another than the one that was judged by.
    async fn terms_have_changed(&self, tenant: &Tenant, judged: &InForce) -> Result<bool, CommandError> {
        let policy = self.policies.fresh(tenant, judged.policy.id.0).await?;
        let product = self.products.fresh(tenant, judged.product.id.0).await?;
        let same_policy = policy
            .state
            .facts()
            .is_some_and(|policy| policy.version == judged.policy.version);
        let same_product = product
            .state
            .facts()
            .is_some_and(|product| product.min_version == judged.product.min_version);
        Ok(!same_policy || !same_product)
    }

    /// The key under which a license's machines are hashed; its leases carry it, other licenses have others.
    pub async fn fingerprint_key(&self, tenant: &Tenant, id: LicenseId) -> Result<[u8; 32], CommandError> {
        Ok(self.look_up_key(tenant).await?.hash("fingerprint_key", id.0.as_bytes()))
    }
}

pub(super) fn normalize(raw: &RawFingerprint) -> Result<Fingerprint, CommandError> {
    raw.normalize()
        .map_err(|error| CommandError::Invalid(vec![FieldError::of("fingerprint", error)]))
}

/// What machines say of themselves is cut, not refused: a long name must not keep a program from running.
pub(super) fn short(text: &str, characters: usize) -> Option<String> {
    let text: String = text
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(characters)
        .collect();
    (!text.is_empty()).then_some(text)
}
