//! `licet migrate`

use std::process::ExitCode;

use anyhow::Context as _;
use licet_event_store::{Edge, schema};
use serde_json::json;

use super::{Location, Output, database};

pub(super) async fn run(location: Location, output: Output) -> anyhow::Result<ExitCode> {
    let database = database::open(&location, &Edge::system())?;
    schema::migrate(&database.url).await.context("migrating the database")?;
    output.result(&json!({ "migrated": true }), |_| {
        "The database is up to date.".to_owned()
    });
    Ok(ExitCode::SUCCESS)
}
