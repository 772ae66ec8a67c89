//! Gives one machine's seat to another, in one atomic change.

use licet_domain::{
    license::{License, LicenseCommand, LicenseRejection},
    values::{ActivationId, LicenseId},
};

use super::{Activated, EffectiveLicense, MachineRequest, activate::is_by_terms, machine::short};
use crate::{Body, CommandError, Context, Done, Platform};

/// A seat that is to move.
#[derive(Debug, Clone)]
pub struct TransferRequest {
    /// The machine that has the seat.
    pub from: ActivationId,
    /// The machine that gets it.
    pub to: MachineRequest,
    /// The reason, in the words of whoever asked; at most 500 characters.
    pub reason: Option<String>,
}

impl Platform {
    /// A machine's own transfer: by the license's key.
    pub async fn transfer_by_key(
        &self,
        context: &Context,
        license_key: &str,
        request: TransferRequest,
        body: Body<'_, Activated>,
    ) -> Result<Done<Activated>, CommandError> {
        let found = self.license_by_key(&context.tenant, license_key).await?;
        let (_, license) = found.ok_or(CommandError::License(LicenseRejection::NotFound))?;
        let effective = self.effective(&context.tenant, &license).await?;
        self.transfer(context, &effective, request, false, body).await
    }

    /// An operator's transfer: by the license's id.
    pub async fn transfer_by_operator(
        &self,
        context: &Context,
        id: LicenseId,
        request: TransferRequest,
        body: Body<'_, Activated>,
    ) -> Result<Done<Activated>, CommandError> {
        let license = self.licenses.get(&context.tenant, id.0).await?;
        if license.state.facts().is_none() {
            return Err(CommandError::License(LicenseRejection::NotFound));
        }
        let effective = self.effective(&context.tenant, &license).await?;
        self.transfer(context, &effective, request, true, body).await
    }

    async fn transfer(
        &self,
        context: &Context,
        effective: &EffectiveLicense,
        request: TransferRequest,
        by_operator: bool,
        body: Body<'_, Activated>,
    ) -> Result<Done<Activated>, CommandError> {
        let (order, fingerprint_key) = self.machine_order(context, effective, &request.to).await?;
        let reason = request.reason.as_deref().and_then(|text| short(text, 500));
        let command = |_: &_| {
            Ok(LicenseCommand::Transfer {
                from: request.from,
                to: Box::new(order.clone()),
                reason: reason.clone(),
                by_operator,
            })
        };
        let output = |state: &License| effective.seat_of(state, &order, fingerprint_key);
        let done = self.give_seat(context, effective, command, output, body).await;
        if is_by_terms(&done) && self.terms_have_changed(&context.tenant, effective).await? {
            let license = self.licenses.get(&context.tenant, effective.id().0).await?;
            let effective = self.effective(&context.tenant, &license).await?;
            return Box::pin(self.transfer(context, &effective, request, by_operator, body)).await;
        }
        if let Err(CommandError::License(rejection)) = &done {
            self.note_seat_refusal(context, effective, &order, "transfer", rejection)
                .await;
        }
        done
    }
}
