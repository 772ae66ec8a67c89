//! Changes a product.

use licet_domain::{api_key::Scope, product::ProductCommand, values::Text};
use uuid::Uuid;

use super::ProductView;
use crate::{Body, CommandError, Context, Done, Fields, Platform, release::semver};

/// What is to change; what is absent stays.
#[derive(Debug, Clone)]
pub struct ProductChanges {
    /// The name.
    pub name: Option<String>,
    /// The lowest version that may run; `Some(None)` is any.
    pub min_version: Option<Option<String>>,
}

impl Platform {
    /// Changes a product that still is as `unchanged` says.
    pub async fn edit_product(
        &self,
        context: &Context,
        id: Uuid,
        changes: ProductChanges,
        unchanged: &(dyn Fn(&ProductView) -> bool + Sync),
        body: Body<'_, ProductView>,
    ) -> Result<Done<ProductView>, CommandError> {
        context.require(Scope::Admin)?;
        let order = |state: &_| {
            let view = ProductView::try_from(state)?;
            if !unchanged(&view) {
                return Err(CommandError::Stale);
            }
            let mut fields = Fields::new();
            let name = fields.take(
                "name",
                changes.name.as_deref().map_or(Ok(view.product.name), Text::parse),
            );
            let min_version = match &changes.min_version {
                None => view.product.min_version,
                Some(None) => None,
                Some(Some(text)) => fields.take("min_version", semver("VERSION_INVALID", text)),
            };
            Ok(ProductCommand::Edit {
                name: fields.finish(name)?,
                min_version,
                at: context.now,
            })
        };
        self.run(
            &self.products,
            (id, context, context.envelope()),
            order,
            |state| state.try_into(),
            body,
        )
        .await
    }
}
