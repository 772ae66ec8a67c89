//! Takes up a policy.

use licet_domain::{
    Decider as _,
    policy::{Policy, PolicyCommand, Terms},
    product::Product,
    values::{Code, PolicyId},
};
use licet_event_store::{Envelope, Precondition};

use super::TermsChanges;
use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// A policy as it is asked for.
#[derive(Debug, Clone)]
pub struct NewPolicy {
    /// Its code.
    pub code: String,
    /// The product, by code or id.
    pub product: String,
    /// What it grants and asks.
    pub terms: TermsChanges,
}

impl Platform {
    /// Takes up a policy of a living product, under a code that is free.
    pub async fn create_policy(
        &self,
        context: &Context,
        new: NewPolicy,
        body: Body<'_, Policy>,
    ) -> Result<Done<Policy>, CommandError> {
        let mut fields = Fields::new();
        let code = fields.take("code", Code::parse(&new.code));
        if new.terms.seats.is_none() {
            fields.complain("seats", "REQUIRED", "how many machines may be active at once");
        }
        let code = fields.finish(code)?;
        let terms = new.terms.applied_to(&Terms::with_seats(1))?;
        for _ in 0..8 {
            let done = self.try_create_policy(context, &new.product, &code, &terms, body).await;
            if !matches!(done, Err(CommandError::Contended)) {
                return done;
            }
            // The product has changed meanwhile: look at it again.
            let product = self.find_product(&context.tenant, &new.product).await?;
            self.resources.products.invalidate(&context.tenant, product, u64::MAX);
        }
        Err(CommandError::Contended)
    }

    async fn try_create_policy(
        &self,
        context: &Context,
        product: &str,
        code: &Code,
        terms: &Terms,
        body: Body<'_, Policy>,
    ) -> Result<Done<Policy>, CommandError> {
        let (product, version) = self.live_product(&context.tenant, product).await?;
        let id = self.edge.id();
        let claim = self.claim(&context.tenant, "policy_code", code.as_str(), id).await?;
        let envelope = Envelope {
            claims: vec![claim],
            preconditions: vec![Precondition::StreamUnchanged {
                aggregate_type: Product::TYPE,
                aggregate_id: product.id.to_string(),
                version,
            }],
            ..context.envelope()
        };
        let order = |_: &_| {
            let (code, terms) = (code.clone(), terms.clone());
            Ok(PolicyCommand::Create {
                id: PolicyId(id),
                code,
                product_id: product.id,
                terms,
                at: context.now,
            })
        };
        let output = |state: &Policy| Ok(state.clone());
        self.run(self.of::<Policy>(), (id, context, envelope), order, output, body)
            .await
    }
}
