//! Takes a machine's seat back.

use std::sync::{Arc, Mutex, PoisonError};

use licet_domain::{
    license::{Activation, DeactivationTarget, License, LicenseCommand, LicenseRejection},
    values::{ActivationId, LicenseId, RawFingerprint},
};

use super::{
    change::read_reason,
    machine::{normalize, short},
};
use crate::{Body, CommandError, Context, Done, Platform};

/// A machine that gives its seat back.
#[derive(Debug, Clone)]
pub struct DeactivationRequest {
    /// The key as it was typed.
    pub license_key: String,
    /// Which machine.
    pub target: DeactivationTargetRequest,
    /// The reason, in the words of whoever asked; at most 500 characters.
    pub reason: Option<String>,
}

/// Which machine, as it is asked for.
#[derive(Debug, Clone)]
pub enum DeactivationTargetRequest {
    /// By id.
    Id(ActivationId),
    /// By what it is known by.
    Machine(RawFingerprint),
}

impl Platform {
    /// Takes a machine's seat back; a machine that has none any more is left as it is.
    pub async fn deactivate(
        &self,
        context: &Context,
        request: DeactivationRequest,
        body: Body<'_, ActivationId>,
    ) -> Result<Done<ActivationId>, CommandError> {
        let found = self.license_by_key(&context.tenant, &request.license_key).await?;
        let found = found.filter(|(_, license)| license.state.in_books().is_some());
        let (id, license) = found.ok_or(CommandError::License(LicenseRejection::NotFound))?;
        let target = match &request.target {
            DeactivationTargetRequest::Id(id) => DeactivationTarget::Id(*id),
            DeactivationTargetRequest::Machine(raw) => DeactivationTarget::Machine {
                identity: Box::new(normalize(raw)?.hash(&self.fingerprint_key(&context.tenant, id).await?)),
                terms: Arc::clone(self.effective(&context.tenant, &license).await?.terms()),
            },
        };
        let reason = request.reason.as_deref().and_then(|text| short(text, 500));
        let missing = || CommandError::License(LicenseRejection::ActivationNotFound(target.id()));
        // The answer names the machine that the rules meant: without it, another may be the one that agrees most.
        let meant = Mutex::new(None);
        let order = |state: &License| {
            let license = state.facts().ok_or(CommandError::License(LicenseRejection::NotFound))?;
            let activation = license
                .find_target(&target)
                .ok_or_else(missing)?
                .activated
                .activation_id;
            *meant.lock().unwrap_or_else(PoisonError::into_inner) = Some(activation);
            Ok(LicenseCommand::Deactivate {
                target: DeactivationTarget::Id(activation),
                reason: reason.clone(),
                by_operator: false,
                at: context.now,
            })
        };
        let output = |_: &License| meant.lock().unwrap_or_else(PoisonError::into_inner).ok_or_else(missing);
        self.run(&self.licenses, (id.0, context, context.envelope()), order, output, body)
            .await
    }

    /// An operator takes a machine's seat back.
    pub async fn deactivate_by_operator(
        &self,
        context: &Context,
        license: LicenseId,
        activation: ActivationId,
        reason: Option<String>,
        body: Body<'_, Arc<Activation>>,
    ) -> Result<Done<Arc<Activation>>, CommandError> {
        let reason = read_reason(reason.as_deref())?;
        let order = |_: &License| {
            Ok(LicenseCommand::Deactivate {
                target: DeactivationTarget::Id(activation),
                reason: reason.clone(),
                by_operator: true,
                at: context.now,
            })
        };
        let output = |state: &License| {
            let found = state.facts().and_then(|license| license.activation(activation));
            let missing = LicenseRejection::ActivationNotFound(Some(activation));
            found.cloned().ok_or(CommandError::License(missing))
        };
        let about = (license.0, context, context.envelope());
        self.run(&self.licenses, about, order, output, body).await
    }
}
