//! Changes who a customer is.

use licet_domain::{
    Resource as _, ResourceRejection,
    customer::{Customer, CustomerCommand, Person},
    values::{Email, Text},
};
use uuid::Uuid;

use super::CustomerView;
use crate::{Body, CommandError, Context, Done, Fields, Platform, Unchanged};

/// What is to change; what is absent stays.
#[derive(Debug, Clone)]
pub struct CustomerChanges {
    /// The name.
    pub name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// The company; `Some(None)` takes it away.
    pub company: Option<Option<String>>,
}

impl Platform {
    /// Changes a customer that still is as `unchanged` says. A field that stays keeps its ciphertext.
    pub async fn edit_customer(
        &self,
        context: &Context,
        id: Uuid,
        changes: CustomerChanges,
        unchanged: Unchanged<'_, Customer>,
        body: Body<'_, CustomerView>,
    ) -> Result<Done<CustomerView>, CommandError> {
        // Asking for the key makes one where there is none: first see that there is such a customer.
        if self
            .resources
            .customers
            .get(&context.tenant, id)
            .await?
            .state
            .facts()
            .is_none()
        {
            return Err(CommandError::not_found(Customer::KIND));
        }
        let Some(sealer) = self.person_sealer(&context.tenant, id).await? else {
            return Err(ResourceRejection::Retired(Customer::KIND).into());
        };
        let order = |state: &Customer| {
            let view = CustomerView::open(state, Some(&sealer))?;
            if !unchanged(state) {
                return Err(CommandError::Stale);
            }
            let present = view.person.as_ref().ok_or(CommandError::not_found(Customer::KIND))?;
            let mut fields = Fields::new();
            let name = fields.take(
                "name",
                Text::<200>::parse(changes.name.as_deref().unwrap_or(&present.name)),
            );
            let email = fields.take(
                "email",
                Email::parse(changes.email.as_deref().unwrap_or(&present.email)),
            );
            let wanted = changes.company.clone().unwrap_or_else(|| present.company.clone());
            let company = fields
                .take_optional("company", wanted.as_deref(), Text::<200>::parse)
                .map(Text::into_string);
            let (name, email) = fields.finish(name.zip(email))?;
            let sealed = state.live(Customer::KIND)?.person.clone();
            let person = Person {
                name: if name.as_str() == present.name {
                    sealed.name
                } else {
                    sealer.seal(name.as_str())
                },
                email: if email.as_str() == present.email {
                    sealed.email
                } else {
                    sealer.seal(email.as_str())
                },
                company: if company == present.company {
                    sealed.company
                } else {
                    company.map(|text| sealer.seal(&text))
                },
            };
            Ok(CustomerCommand::Edit {
                person,
                at: context.now,
            })
        };
        let output = |state: &_| CustomerView::open(state, Some(&sealer));
        self.run(
            &self.resources.customers,
            (id, context, context.envelope()),
            order,
            output,
            body,
        )
        .await
    }
}
