//! Changes who a customer is.

use licet_domain::{
    api_key::Scope,
    customer::{CustomerCommand, Person},
    values::{Email, Text},
};
use uuid::Uuid;

use super::CustomerView;
use crate::{Body, CommandError, Context, Done, Fields, Platform};

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
        unchanged: &(dyn Fn(&CustomerView) -> bool + Sync),
        body: Body<'_, CustomerView>,
    ) -> Result<Done<CustomerView>, CommandError> {
        context.require(Scope::Admin)?;
        // Asking for the key makes one where there is none: first see that there is such a customer.
        if self.customers.get(&context.tenant, id).await?.state.facts().is_none() {
            return Err(CommandError::NotFound("customer"));
        }
        let sealer = self
            .person_sealer(&context.tenant, id)
            .await?
            .ok_or(CommandError::NotFound("customer"))?;
        let order = |state: &_| {
            let view = CustomerView::open(state, Some(&sealer))?;
            if !unchanged(&view) {
                return Err(CommandError::Stale);
            }
            let present = view.person.as_ref().ok_or(CommandError::NotFound("customer"))?;
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
            let sealed = view.customer.person;
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
        self.run(&self.customers, (id, context, context.envelope()), order, output, body)
            .await
    }
}
