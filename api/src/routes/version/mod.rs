//! What programs ask about newer versions of themselves. Every answer here is signed.

pub(crate) mod check;
pub(crate) mod latest;

use licet_domain::product::{LiveProduct, Product};

use crate::{
    App,
    problem::{Problem, Result},
};

/// The product that an id or code names, in use or not: its programs still run.
async fn product(app: &App, named: &str) -> Result<LiveProduct> {
    let id = app.platform.find_product(&app.tenant, named).await?;
    let product = app.platform.products.get(&app.tenant, id).await;
    let product = product.map_err(licet_commands::CommandError::from)?;
    let facts = Product::facts(&product.state).cloned();
    facts.ok_or_else(|| Problem::not_found("product"))
}
