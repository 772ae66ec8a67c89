//! What programs ask about newer versions of themselves. Every answer here is signed.

pub(crate) mod check;
pub(crate) mod latest;

use licet_domain::{
    api_key::Scope,
    product::{LiveProduct, Product},
};

use crate::{
    App,
    auth::{Caller, Credential},
    problem::{Problem, Result},
};

/// A key with the scope `client`, or an activation's token.
fn require(app: &App, caller: &Caller) -> Result<()> {
    match &caller.credential {
        Credential::Token(claims) => caller.limit(app, &claims.sub.to_string()),
        Credential::ApiKey => caller.require(app, Scope::Client),
    }
}

/// The product that an id or code names, in use or not: its programs still run.
async fn product(app: &App, named: &str) -> Result<LiveProduct> {
    let id = app.platform.find_product(&app.tenant, named).await?;
    let product = app.platform.products.get(&app.tenant, id).await;
    let product = product.map_err(licet_commands::CommandError::from)?;
    let facts = Product::facts(&product.state).cloned();
    facts.ok_or_else(|| Problem::not_found("product"))
}
