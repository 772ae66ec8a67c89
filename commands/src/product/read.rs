//! Finds a product by what people call it.

use licet_domain::{
    Resource as _,
    product::{LiveProduct, Product},
    values::Code,
};
use licet_event_store::Tenant;
use uuid::Uuid;

use crate::{CommandError, Platform};

impl Platform {
    /// The product that an id or code names, in use or not.
    pub async fn find_product(&self, tenant: &Tenant, named: &str) -> Result<Uuid, CommandError> {
        let missing = CommandError::not_found(Product::KIND);
        if let Ok(id) = named.trim().parse() {
            return Ok(id);
        }
        let code = Code::parse(named).map_err(|_| CommandError::not_found(Product::KIND))?;
        let hash = self
            .look_up_key(tenant)
            .await?
            .hash("product_code", code.as_str().as_bytes());
        self.holder(tenant, "product_code", hash).await?.ok_or(missing)
    }

    /// The product that an id or code names, if it may get policies and releases.
    pub(crate) async fn live_product(&self, tenant: &Tenant, named: &str) -> Result<(LiveProduct, u64), CommandError> {
        let id = self.find_product(tenant, named).await?;
        let product = self.resources.products.get(tenant, id).await?;
        match &product.state {
            Product::Absent => Err(CommandError::not_found(Product::KIND)),
            Product::Retired(_) => Err(CommandError::retired(Product::KIND)),
            Product::Live(live) => Ok((live.clone(), product.version)),
        }
    }
}
