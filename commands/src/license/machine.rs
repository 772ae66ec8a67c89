//! A machine as it describes itself, made ready for the rules.

use std::sync::Arc;

use licet_domain::{
    license::Activate,
    values::{ActivationId, Fingerprint, LicenseId, RawFingerprint},
};
use licet_event_store::Tenant;

use super::EffectiveLicense;
use crate::{CommandError, Context, FieldError, Platform};

/// A machine that asks for a seat.
#[derive(Debug, Clone, Default)]
pub struct MachineRequest {
    /// What the machine is known by.
    pub fingerprint: RawFingerprint,
    /// The machine's name.
    pub hostname: Option<String>,
    /// The operating system.
    pub os: Option<String>,
    /// The program's version.
    pub app_version: Option<String>,
}

impl Platform {
    /// The order of a machine that asks for a seat of a license, and the key under which its components are hashed.
    pub(super) async fn machine_order(
        &self,
        context: &Context,
        effective: &EffectiveLicense,
        machine: &MachineRequest,
    ) -> Result<(Activate, [u8; 32]), CommandError> {
        let fingerprint = normalize(&machine.fingerprint)?;
        let fingerprint_key = self.fingerprint_key(&context.tenant, effective.id()).await?;
        let hostname = match machine.hostname.as_deref().and_then(|text| short(text, 255)) {
            None => None,
            Some(name) => {
                let customer = effective.license().issued.customer_id;
                self.person_sealer(&context.tenant, customer)
                    .await?
                    .map(|sealer| sealer.seal(&name))
            }
        };
        let order = Activate {
            activation_id: ActivationId(self.edge.id()),
            identity: fingerprint.hash(&fingerprint_key),
            fingerprint,
            terms: Arc::clone(effective.terms()),
            policy_version: effective.policy.version,
            min_version: effective.product.min_version.clone(),
            hostname,
            os: machine.os.as_deref().and_then(|text| short(text, 100)),
            app_version: effective.read_version(machine.app_version.as_deref())?,
            at: context.now,
        };
        Ok((order, fingerprint_key))
    }

    /// Whether the policy or the product is another than the one that was judged by.
    pub(super) async fn terms_have_changed(
        &self,
        tenant: &Tenant,
        judged: &EffectiveLicense,
    ) -> Result<bool, CommandError> {
        let policy = self.resources.policies.fresh(tenant, judged.policy.id.0).await?;
        let product = self.resources.products.fresh(tenant, judged.product.id.0).await?;
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
