//! `/api/admin/licenses`

mod activations;
mod change;
mod check_out;
mod create;
mod edit;
mod read;
mod seats;
mod true_up;
mod usage;

use licet_commands::license::EffectiveLicense;
use licet_domain::{
    license::License,
    values::{LicenseId, Timestamp},
};
use licet_event_store::vault::Sealer;

use utoipa_axum::router::OpenApiRouter;

use crate::{
    App,
    auth::{Principal, guarded},
    problem::Result,
    render,
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(create::create_licenses, read::list_licenses))
        .routes(guarded!(read::read_license, edit::edit_license, edit::retire_license))
        .routes(guarded!(read::license_events))
        .routes(guarded!(activations::list_activations))
        .routes(guarded!(check_out::check_out_license))
        .routes(guarded!(seats::transfer_seat))
        .routes(guarded!(seats::deactivate_seat))
        .routes(guarded!(usage::list_heartbeats))
        .routes(guarded!(usage::license_activity))
        .routes(guarded!(usage::license_feature_usage))
        .routes(guarded!(usage::license_meters))
        .routes(guarded!(usage::license_usage_stats))
        .routes(guarded!(usage::list_decisions))
        .routes(guarded!(true_up::license_true_up))
        .routes(guarded!(change::suspend_license))
        .routes(guarded!(change::resume_license))
        .routes(guarded!(change::revoke_license))
        .routes(guarded!(change::renew_license))
        .routes(guarded!(change::reveal_license_key))
}

fn license_id(text: &str) -> Result<LicenseId> {
    super::reading::id(text, License::KIND).map(LicenseId)
}

/// The key that opens what is sealed with a license's customer.
async fn person(app: &App, caller: &Principal, id: LicenseId) -> Result<Option<Sealer>> {
    let license = app
        .platform
        .licenses
        .get(&caller.tenant, id.0)
        .await
        .map_err(licet_commands::CommandError::from)?;
    match license.state.facts() {
        Some(facts) => Ok(app
            .platform
            .person_sealer(&caller.tenant, facts.issued.customer_id)
            .await?),
        None => Ok(None),
    }
}

fn reply(effective: &EffectiveLicense, person: Option<&Sealer>, now: Timestamp) -> Reply {
    let shown = render::license(effective, None, person, now);
    Reply::of("licenses", &shown.id, &shown, &render::license_editable(effective))
}
