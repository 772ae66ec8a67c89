//! Takes up a customer.

use licet_domain::{
    customer::{CustomerCommand, Person},
    values::{CustomerId, Email, Text},
};
use licet_event_store::vault::Purpose;

use super::CustomerView;
use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// A customer as it is asked for.
#[derive(Debug, Clone)]
pub struct NewCustomer {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// The company.
    pub company: Option<String>,
}

impl Platform {
    /// Takes up a customer; who it is enters the log sealed with a key of its own.
    pub async fn create_customer(
        &self,
        context: &Context,
        new: NewCustomer,
        body: Body<'_, CustomerView>,
    ) -> Result<Done<CustomerView>, CommandError> {
        let mut fields = Fields::new();
        let name = fields.take("name", Text::<200>::parse(&new.name));
        let email = fields.take("email", Email::parse(&new.email));
        let company = fields.take_optional("company", new.company.as_deref(), Text::<200>::parse);
        let (name, email) = fields.finish(name.zip(email))?;
        let id = self.edge.id();
        let sealer = self
            .vault
            .sealer(&context.tenant, Purpose::Person, &id.to_string())
            .await?;
        let person = Person {
            name: sealer.seal(name.as_str()),
            email: sealer.seal(email.as_str()),
            company: company.map(|company| sealer.seal(company.as_str())),
        };
        let order = |_: &_| {
            Ok(CustomerCommand::Create {
                id: CustomerId(id),
                person: person.clone(),
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
