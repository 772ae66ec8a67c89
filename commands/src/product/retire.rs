//! Takes a product out of use.

use licet_domain::{api_key::Scope, product::ProductCommand};
use uuid::Uuid;

use super::ProductView;
use crate::{CommandError, Context, Done, Platform};

impl Platform {
    /// Takes a product out of use that still is as `unchanged` says. Its code stays taken.
    pub async fn retire_product(
        &self,
        context: &Context,
        id: Uuid,
        unchanged: &(dyn Fn(&ProductView) -> bool + Sync),
    ) -> Result<Done<ProductView>, CommandError> {
        context.require(Scope::Admin)?;
        let order = |state: &_| {
            let fresh = unchanged(&ProductView::try_from(state)?);
            fresh
                .then_some(ProductCommand::Retire { at: context.now })
                .ok_or(CommandError::Stale)
        };
        self.run(
            &self.products,
            (id, context, context.envelope()),
            order,
            |state| state.try_into(),
            &|_| String::new(),
        )
        .await
    }
}
