//! Changes a product.

use licet_domain::{
    Resource as _,
    product::{Product, ProductCommand},
    values::{Text, VersionScheme},
};
use uuid::Uuid;

use crate::{Body, CommandError, Context, Done, Fields, Platform, Unchanged};

/// What is to change; what is absent stays.
#[derive(Debug, Clone)]
pub struct ProductChanges {
    /// The name.
    pub name: Option<String>,
    /// How it writes its versions.
    pub version_scheme: Option<String>,
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
        unchanged: Unchanged<'_, Product>,
        body: Body<'_, Product>,
    ) -> Result<Done<Product>, CommandError> {
        let order = |state: &Product| {
            let product = state.live(Product::KIND)?.clone();
            let mut fields = Fields::new();
            let name = fields.take("name", changes.name.as_deref().map_or(Ok(product.name), Text::parse));
            let version_scheme = changes.version_scheme.as_deref();
            let version_scheme = version_scheme.map_or(Ok(product.version_scheme), VersionScheme::parse);
            let version_scheme = fields.take("version_scheme", version_scheme).unwrap_or_default();
            let asked = match &changes.min_version {
                // Under another scheme the present one must still be a version.
                None => product.min_version.map(|version| version.to_string()),
                Some(asked) => asked.clone(),
            };
            let min_version = asked.and_then(|text| fields.take("min_version", version_scheme.read(&text)));
            Ok(ProductCommand::Edit {
                name: fields.finish(name)?,
                version_scheme,
                min_version,
                at: context.now,
            })
        };
        self.change((id, context, context.envelope()), unchanged, order, body)
            .await
    }
}
