//! Gives a machine a seat.

use std::sync::Arc;

use licet_domain::license::{Activate, Activation, License, LicenseCommand, LicenseRejection};

use super::{EffectiveLicense, MachineRequest};
use crate::{Body, CommandError, Context, Done, Platform, refusals::Refusal};

/// A machine that asks for a seat of a license.
#[derive(Debug, Clone)]
pub struct ActivationRequest {
    /// The key as it was typed.
    pub license_key: String,
    /// The machine.
    pub machine: MachineRequest,
}

/// A machine with a seat.
#[derive(Debug, Clone)]
pub struct Activated {
    /// The seat.
    pub activation: Arc<Activation>,
    /// The license after it.
    pub effective: EffectiveLicense,
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
        let found = self.license_by_key(&context.tenant, &request.license_key).await?;
        let (_, license) = found.ok_or(CommandError::License(LicenseRejection::NotFound))?;
        let effective = self.effective(&context.tenant, &license).await?;
        self.activate_effective(context, effective, &request.machine, body)
            .await
    }

    /// The same for a license that was found.
    pub(super) async fn activate_effective(
        &self,
        context: &Context,
        effective: EffectiveLicense,
        machine: &MachineRequest,
        body: Body<'_, Activated>,
    ) -> Result<Done<Activated>, CommandError> {
        let (order, fingerprint_key) = self.machine_order(context, &effective, machine).await?;
        let mut done = self.take_seat(context, &effective, &order, fingerprint_key, body).await;
        // A silent machine's seat is there for whoever asks: nobody waits for the worker. Someone else may have freed it
        // since, so it is tried again in any case.
        if is_full(&done) && effective.terms().floating {
            self.reclaim_seats_of(effective.id()).await?;
            done = self.take_seat(context, &effective, &order, fingerprint_key, body).await;
        }
        // Refused on terms that another node has just changed? What is true now decides.
        if is_by_terms(&done) && self.terms_have_changed(&context.tenant, &effective).await? {
            let license = self.licenses.get(&context.tenant, effective.id().0).await?;
            let effective = self.effective(&context.tenant, &license).await?;
            return Box::pin(self.activate_effective(context, effective, machine, body)).await;
        }
        if let Err(CommandError::License(rejection)) = &done {
            self.note_seat_refusal(context, &effective, &order, "activate", rejection)
                .await;
        }
        done
    }

    async fn take_seat(
        &self,
        context: &Context,
        effective: &EffectiveLicense,
        order: &Activate,
        fingerprint_key: [u8; 32],
        body: Body<'_, Activated>,
    ) -> Result<Done<Activated>, CommandError> {
        let output = |state: &License| effective.seat_of(state, order, fingerprint_key);
        let command = |_: &_| Ok(LicenseCommand::Activate(Box::new(order.clone())));
        self.give_seat(context, effective, command, output, body).await
    }

    /// Records that a machine was refused a seat, with what decided.
    pub(super) async fn note_seat_refusal(
        &self,
        context: &Context,
        effective: &EffectiveLicense,
        order: &Activate,
        asked: &'static str,
        rejection: &LicenseRejection,
    ) {
        let mut facts: std::collections::BTreeMap<_, _> = rejection.facts().into_iter().collect();
        if let Some(version) = &order.app_version {
            facts.insert("app_version".to_owned(), version.to_string().into());
        }
        let refusal = Refusal {
            license_id: effective.id(),
            machine: Some(&order.identity.components),
            activation_id: None,
            asked,
            code: rejection.code(),
            policy_version: effective.policy.version,
            facts,
        };
        self.note_refusal(context, refusal).await;
    }
}

fn is_full<T>(done: &Result<T, CommandError>) -> bool {
    matches!(
        done,
        Err(CommandError::License(LicenseRejection::ActivationLimitReached { .. }))
    )
}

/// Whether a refusal rests on the policy or the product.
pub(super) fn is_by_terms<T>(done: &Result<T, CommandError>) -> bool {
    use LicenseRejection::{
        ActivationLimitReached, Expired, FingerprintInsufficient, FingerprintPlaceholder, TransferLimitReached,
        VersionUnsupported,
    };
    let Err(CommandError::License(rejection)) = done else {
        return false;
    };
    matches!(
        rejection,
        ActivationLimitReached { .. }
            | Expired(_)
            | FingerprintInsufficient(_)
            | FingerprintPlaceholder(_)
            | TransferLimitReached { .. }
            | VersionUnsupported { .. }
    )
}

impl EffectiveLicense {
    /// The seat that a machine has in this state of the license.
    pub(super) fn seat_of(
        &self,
        state: &License,
        order: &Activate,
        fingerprint_key: [u8; 32],
    ) -> Result<Activated, CommandError> {
        let effective = self.with(state)?;
        let seat = effective.license().find_machine(&order.identity, effective.terms());
        let activation = Arc::clone(seat.ok_or(CommandError::License(LicenseRejection::ActivationNotFound(None)))?);
        Ok(Activated {
            activation,
            effective,
            fingerprint_key,
        })
    }
}
