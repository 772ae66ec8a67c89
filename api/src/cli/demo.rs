//! A product and a license to try things with, in an embedded server.

use anyhow::Context as _;
use licet_commands::{
    CommandError, Context, Platform,
    customer::NewCustomer,
    license::NewLicenses,
    policy::{NewPolicy, TermsChanges},
    product::NewProduct,
};
use licet_domain::Resource as _;
use licet_event_store::Tenant;

use super::Location;

/// Makes the demo in an embedded server that has had none, and keeps its license's key in a file.
pub(super) async fn offer(platform: &Platform, location: &Location) -> anyhow::Result<()> {
    let file = location.data_dir.join("demo-license");
    if location.embedded && !file.exists() {
        let key = make(platform).await.context("making the demo license")?;
        std::fs::write(&file, &key).context("keeping the demo license's key")?;
    }
    Ok(())
}

/// Makes what is missing of the demo and answers a license's key. A start that was cut short is taken up again.
async fn make(platform: &Platform) -> anyhow::Result<String> {
    let context = || Context::system("demo", Tenant::default(), platform.edge.now(), platform.edge.id());
    let product = NewProduct {
        code: "demo".to_owned(),
        name: "Demo".to_owned(),
        version_scheme: None,
    };
    exists_now(platform.create_product(&context(), product, &|_| String::new()).await)?;
    let terms = TermsChanges {
        seats: Some(3),
        duration_days: Some(Some(365)),
        ..TermsChanges::default()
    };
    let policy = NewPolicy {
        code: "demo".to_owned(),
        product: "demo".to_owned(),
        terms,
    };
    exists_now(platform.create_policy(&context(), policy, &|_| String::new()).await)?;
    let customer = NewCustomer {
        name: "Demo Customer".to_owned(),
        email: "demo@example.com".to_owned(),
        company: None,
    };
    let customer = platform
        .create_customer(&context(), customer, &|_| String::new())
        .await?;
    let licenses = NewLicenses {
        customer_id: customer.value.customer.id().unwrap_or_default().to_string(),
        policy: "demo".to_owned(),
        ..NewLicenses::default()
    };
    let issued = platform
        .issue_licenses(&context(), licenses, &|_| String::new())
        .await?;
    let first = issued.value.first().context("one license was asked for")?;
    Ok(first.key.to_string())
}

/// Taken means that an earlier start made it.
fn exists_now<T>(done: Result<T, CommandError>) -> Result<(), CommandError> {
    match done {
        Ok(_) | Err(CommandError::Taken(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
