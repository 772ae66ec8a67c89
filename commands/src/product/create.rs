//! Takes up a product.

use licet_domain::{
    api_key::Scope,
    product::ProductCommand,
    values::{Code, ProductId, Text, VersionScheme},
};
use licet_event_store::{Claim, Envelope};

use super::ProductView;
use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// A product as it is asked for.
#[derive(Debug, Clone)]
pub struct NewProduct {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How it writes its versions.
    pub version_scheme: Option<String>,
}

impl Platform {
    /// Takes up a product under a code that is free.
    pub async fn create_product(
        &self,
        context: &Context,
        new: NewProduct,
        body: Body<'_, ProductView>,
    ) -> Result<Done<ProductView>, CommandError> {
        context.require(Scope::Admin)?;
        let mut fields = Fields::new();
        let code = fields.take("code", Code::parse(&new.code));
        let name = fields.take("name", Text::parse(&new.name));
        let version_scheme = new
            .version_scheme
            .as_deref()
            .map_or(Ok(VersionScheme::default()), VersionScheme::parse);
        let version_scheme = fields.take("version_scheme", version_scheme).unwrap_or_default();
        let (code, name) = fields.finish(code.zip(name))?;
        let id = self.edge.id();
        let value_hash = self
            .look_up_key(&context.tenant)
            .await?
            .hash("product_code", code.as_str().as_bytes());
        let claim = Claim {
            kind: "product_code",
            value_hash,
            aggregate_id: id.to_string(),
        };
        let envelope = Envelope {
            claims: vec![claim],
            ..context.envelope()
        };
        let order = |_: &_| {
            Ok(ProductCommand::Create {
                id: ProductId(id),
                code: code.clone(),
                name: name.clone(),
                version_scheme,
                at: context.now,
            })
        };
        self.run(
            &self.products,
            (id, context, envelope),
            order,
            |state| state.try_into(),
            body,
        )
        .await
    }
}
