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

use std::collections::HashMap;

use licet_commands::license::EffectiveLicense;
use licet_contracts::admin;
use licet_domain::{
    customer::Customer,
    license::License,
    values::{LicenseId, Timestamp},
};
use licet_projections::{license_state::LicenseRow, resources};
use uuid::Uuid;

use utoipa_axum::router::OpenApiRouter;

use crate::{
    App,
    auth::{Principal, guarded},
    problem::{Result, unavailable},
    render::{self, Holder},
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

/// Whom a license was issued to; none once that one was forgotten.
async fn holder(app: &App, caller: &Principal, id: LicenseId) -> Result<Option<Holder>> {
    let license = app.platform.licenses.get(&caller.tenant, id.0).await;
    let license = license.map_err(licet_commands::CommandError::from)?;
    match license.state.facts() {
        Some(facts) => holder_of(app, caller, facts.issued.customer_id.0).await,
        None => Ok(None),
    }
}

/// Whom licenses were issued to, in one look each at the vault and at the read model.
pub(super) async fn holders(app: &App, caller: &Principal, mut ids: Vec<Uuid>) -> Result<HashMap<Uuid, Holder>> {
    ids.sort_unstable();
    ids.dedup();
    let sealers = app.platform.person_sealers(&caller.tenant, &ids).await?;
    let customers = resources::of_ids::<Customer>(&app.reader, &caller.tenant, &ids).await;
    let customers = customers.map_err(unavailable)?;
    let nobody = Customer::default();
    let holder = |(id, sealer)| (id, Holder::of(sealer, customers.get(&id).unwrap_or(&nobody)));
    Ok(sealers.into_iter().map(holder).collect())
}

/// Licenses as lists show them.
pub(super) async fn shown(app: &App, caller: &Principal, rows: &[LicenseRow]) -> Result<Vec<admin::License>> {
    let now = app.platform.edge.now();
    let customers = rows.iter().map(|row| row.customer_id).collect();
    let holders = holders(app, caller, customers).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let terms = app
            .platform
            .terms_of(&caller.tenant, row.policy_id, row.product_id)
            .await?;
        shown.push(render::license_row(row, &terms, holders.get(&row.customer_id), now));
    }
    Ok(shown)
}

/// A customer as licenses show it.
async fn holder_of(app: &App, caller: &Principal, customer: Uuid) -> Result<Option<Holder>> {
    let Some(sealer) = app.platform.person_sealer(&caller.tenant, customer).await? else {
        return Ok(None);
    };
    let known = app.platform.of::<Customer>().get(&caller.tenant, customer).await;
    let known = known.map_err(licet_commands::CommandError::from)?;
    Ok(Some(Holder::of(sealer, &known.state)))
}

fn reply(effective: &EffectiveLicense, holder: Option<&Holder>, now: Timestamp) -> Reply {
    let shown = render::license(effective, None, holder, now);
    Reply::of("licenses", &shown.id, &shown, &render::license_editable(effective))
}
