//! Gives a machine that never goes online a seat and a longer lease.

use std::sync::Arc;

use licet_domain::{
    license::{License, LicenseCommand, LicenseRejection},
    values::LicenseId,
};

use super::{Activated, MachineRequest};
use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// What an operator hands in for a machine.
#[derive(Debug, Clone)]
pub struct CheckOutRequest {
    /// The machine, as its request file describes it.
    pub machine: MachineRequest,
    /// For how many days.
    pub days: i64,
}

impl Platform {
    /// Activates the machine, where it has no seat yet, and lets it take its seat along for some days.
    pub async fn check_out(
        &self,
        context: &Context,
        id: LicenseId,
        request: CheckOutRequest,
        body: Body<'_, Activated>,
    ) -> Result<Done<Activated>, CommandError> {
        let mut fields = Fields::new();
        let days: u32 = fields.number("days", Some(request.days), 1);
        let days = fields.finish(Some(days))?;
        if !(1..=366).contains(&days) {
            return Err(CommandError::License(LicenseRejection::CheckOutOutOfRange));
        }
        let license = self.licenses.get(&context.tenant, id.0).await?;
        if license.state.in_books().is_none() {
            return Err(CommandError::License(LicenseRejection::NotFound));
        }
        let effective = self.effective(&context.tenant, &license).await?;
        // The seat first, under an order of its own: repeated, it finds the seat that it took.
        let mut seating = context.clone();
        (seating.idempotency, seating.command_id) = (None, self.edge.id());
        let seated = self
            .activate_effective(&seating, effective, &request.machine, &|_| String::new())
            .await?
            .value;
        let activation_id = seated.activation.id();
        let by_days = context.now.plus_days(days);
        let order = |state: &License| {
            let effective = seated.effective.with(state)?;
            let end = effective.license().window(effective.terms()).usable_until();
            Ok::<_, CommandError>(LicenseCommand::CheckOut {
                activation_id,
                until: end.map_or(by_days, |end| end.min(by_days)),
                terms: Arc::clone(effective.terms()),
                at: context.now,
            })
        };
        let output = |state: &License| {
            let effective = seated.effective.with(state)?;
            let found = effective.license().activation(activation_id).cloned();
            let missing = CommandError::License(LicenseRejection::ActivationNotFound(Some(activation_id)));
            Ok(Activated {
                activation: found.ok_or(missing)?,
                effective,
                fingerprint_key: seated.fingerprint_key,
            })
        };
        let about = (id.0, context, context.envelope());
        self.run(&self.licenses, about, order, output, body).await
    }
}
