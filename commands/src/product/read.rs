//! What is shown of a product.

use licet_domain::{
    product::{LiveProduct, Product},
    values::Code,
};
use licet_event_store::Tenant;
use uuid::Uuid;

use crate::{CommandError, Platform};

/// A product as it is answered.
#[derive(Debug, Clone)]
pub struct ProductView {
    /// Its facts.
    pub product: LiveProduct,
    /// Whether it is out of use.
    pub retired: bool,
}

impl TryFrom<&Product> for ProductView {
    type Error = CommandError;

    fn try_from(state: &Product) -> Result<Self, CommandError> {
        let product = state.facts().ok_or(CommandError::NotFound("product"))?.clone();
        Ok(Self {
            product,
            retired: matches!(state, Product::Retired(_)),
        })
    }
}

impl Platform {
    /// The product that an id or code names, in use or not.
    pub async fn find_product(&self, tenant: &Tenant, named: &str) -> Result<Uuid, CommandError> {
        let missing = CommandError::NotFound("product");
        if let Ok(id) = named.trim().parse() {
            return Ok(id);
        }
        let code = Code::parse(named).map_err(|_| CommandError::NotFound("product"))?;
        let hash = self
            .look_up_key(tenant)
            .await?
            .hash("product_code", code.as_str().as_bytes());
        self.holder(tenant, "product_code", hash).await?.ok_or(missing)
    }

    /// The product that an id or code names, if it may get policies and releases.
    pub(crate) async fn live_product(&self, tenant: &Tenant, named: &str) -> Result<(LiveProduct, u64), CommandError> {
        let id = self.find_product(tenant, named).await?;
        let product = self.products.get(tenant, id).await?;
        match &product.state {
            Product::Absent => Err(CommandError::NotFound("product")),
            Product::Retired(_) => Err(CommandError::Retired("product")),
            Product::Live(live) => Ok((live.clone(), product.version)),
        }
    }
}
