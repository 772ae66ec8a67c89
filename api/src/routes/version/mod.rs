//! What programs ask about newer versions of themselves. Every answer here is signed.

pub(crate) mod check;
pub(crate) mod latest;

use licet_domain::{
    Resource as _,
    product::{LiveProduct, Product},
};

use crate::{
    App,
    auth::Principal,
    problem::{Problem, Result},
};

/// The product that an id or code names, in use or not: its programs still run.
async fn product(app: &App, caller: &Principal, named: &str) -> Result<LiveProduct> {
    let id = app.platform.find_product(&caller.tenant, named).await?;
    let product = app.platform.resources.products.get(&caller.tenant, id).await;
    let product = product.map_err(licet_commands::CommandError::from)?;
    let facts = Product::facts(&product.state).cloned();
    facts.ok_or_else(|| Problem::not_found(Product::KIND))
}
