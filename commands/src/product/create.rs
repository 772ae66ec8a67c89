//! Takes up a product.

use licet_domain::{
    product::{Product, ProductCommand},
    values::{Code, ProductId, Text, VersionScheme},
};

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
        body: Body<'_, Product>,
    ) -> Result<Done<Product>, CommandError> {
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
        let claim = self.claim(&context.tenant, "product_code", code.as_str(), id).await?;
        let command = ProductCommand::Create {
            id: ProductId(id),
            code,
            name,
            version_scheme,
            at: context.now,
        };
        self.create(context, id, vec![claim], command, body).await
    }
}
