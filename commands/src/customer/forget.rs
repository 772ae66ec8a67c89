//! Forgets who a customer is.

use licet_domain::customer::{Customer, CustomerCommand};
use licet_event_store::{Envelope, vault::Purpose};
use uuid::Uuid;

use crate::{Body, CommandError, Context, Done, Platform};

impl Platform {
    /// Destroys what opens a customer's data, here and in every copy of it, together with the event that says so.
    pub async fn forget_customer(
        &self,
        context: &Context,
        id: Uuid,
        body: Body<'_, Customer>,
    ) -> Result<Done<Customer>, CommandError> {
        let envelope = Envelope {
            forgets: vec![id],
            ..context.envelope()
        };
        let order = |_: &Customer| Ok(CustomerCommand::Forget { at: context.now });
        let done = self.change((id, context, envelope), &|_| true, order, body).await?;
        self.vault.close(&context.tenant, Purpose::Person, &id.to_string());
        Ok(done)
    }
}
