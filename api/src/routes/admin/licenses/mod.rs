//! `/api/admin/licenses`

pub(crate) mod activations;
pub(crate) mod change;
pub(crate) mod check_out;
pub(crate) mod create;
pub(crate) mod edit;
pub(crate) mod read;
pub(crate) mod seats;
pub(crate) mod true_up;
pub(crate) mod usage;

use licet_commands::license::InForce;
use licet_domain::values::{LicenseId, Timestamp};
use licet_event_store::vault::Sealer;

use crate::{App, problem::Result, render, reply::Reply};

fn license_id(text: &str) -> Result<LicenseId> {
    super::reading::id(text, "license").map(LicenseId)
}

/// The key that opens what is sealed with a license's customer.
async fn person(app: &App, id: LicenseId) -> Result<Option<Sealer>> {
    let license = app
        .platform
        .licenses
        .get(&app.tenant, id.0)
        .await
        .map_err(licet_commands::CommandError::from)?;
    match license.state.facts() {
        Some(facts) => Ok(app
            .platform
            .person_sealer(&app.tenant, facts.issued.customer_id)
            .await?),
        None => Ok(None),
    }
}

fn reply(in_force: &InForce, person: Option<&Sealer>, now: Timestamp) -> Reply {
    let shown = render::license(in_force, None, person, now);
    Reply::of(("licenses", &shown.id), &shown, &render::license_editable(in_force))
}
