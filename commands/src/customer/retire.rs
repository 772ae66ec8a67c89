//! Takes a customer out of use.

use licet_domain::{api_key::Scope, customer::CustomerCommand};
use uuid::Uuid;

use super::CustomerView;
use crate::{CommandError, Context, Done, Platform};

impl Platform {
    /// Takes a customer out of use that still is as `unchanged` says; existing licenses live on.
    pub async fn retire_customer(
        &self,
        context: &Context,
        id: Uuid,
        unchanged: &(dyn Fn(&CustomerView) -> bool + Sync),
    ) -> Result<Done<CustomerView>, CommandError> {
        context.require(Scope::Admin)?;
        if self.customers.get(&context.tenant, id).await?.state.facts().is_none() {
            return Err(CommandError::NotFound("customer"));
        }
        let sealer = self.person_sealer(&context.tenant, id).await?;
        let order = |state: &_| {
            let fresh = unchanged(&CustomerView::open(state, sealer.as_ref())?);
            fresh
                .then_some(CustomerCommand::Retire { at: context.now })
                .ok_or(CommandError::Stale)
        };
        let output = |state: &_| CustomerView::open(state, sealer.as_ref());
        self.run(
            &self.customers,
            (id, context, context.envelope()),
            order,
            output,
            &|_| String::new(),
        )
        .await
    }
}
