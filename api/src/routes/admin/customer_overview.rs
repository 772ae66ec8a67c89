//! `GET /api/admin/customers/{id}/overview`: how a customer stands, at a glance.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_contracts::{Problem as Refusal, admin};
use licet_domain::{
    Resource as _,
    customer::Customer,
    permission::{Permission, needed::ReadCustomers},
    values::Timestamp,
};
use licet_projections::{
    PageRequest, customer_overview,
    license_state::{self, LicenseFilter},
};
use utoipa_axum::router::OpenApiRouter;

use super::{actors::Actors, audit, licenses::shown, reading};
use crate::{
    App,
    auth::{Caller, guarded},
    extract::Path,
    freshness,
    problem::{Problem, Result, unavailable},
    render,
};

/// The newest licenses, and the latest events, that are shown.
const SHOWN: i64 = 20;
/// What is told here, by which read models.
const MODELS: [&str; 4] = ["license_state", "license_heartbeats", "resources", "audit_log"];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(guarded!(customer_overview))
}

/// Read how a customer stands: figures over all of its licenses, the newest of these, and what happened last, as far as
/// the caller may read that.
#[utoipa::path(get, path = "/api/admin/customers/{id}/overview", tag = "customers", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "How it stands.", body = admin::CustomerOverview),
        (status = 404, description = "`CUSTOMER_NOT_FOUND`", body = Refusal)), security(("api_key" = [])))]
pub(crate) async fn customer_overview(
    State(app): State<App>,
    caller: Caller<ReadCustomers>,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, Customer::KIND)?;
    let known = app.platform.of::<Customer>().fresh(&caller.tenant, id).await;
    let known = known.map_err(licet_commands::CommandError::from)?;
    if !known.state.exists() {
        return Err(Problem::not_found(Customer::KIND));
    }
    for model in MODELS {
        freshness::of_read_model(&app, &headers, model).await?;
    }
    let (reader, tenant, now) = (&app.reader, &caller.tenant, app.platform.edge.now());
    let figures = customer_overview::figures(reader, tenant, id, now)
        .await
        .map_err(unavailable)?;
    let usage = customer_overview::usage(reader, tenant, id, now)
        .await
        .map_err(unavailable)?;
    let filter = LicenseFilter {
        customer_id: Some(id),
        now,
        ..LicenseFilter::default()
    };
    let newest = PageRequest {
        descending: true,
        ..PageRequest::first(SHOWN)
    };
    let licenses = license_state::list(reader, tenant, &filter, &newest)
        .await
        .map_err(unavailable)?;
    let mut activity = Vec::new();
    if caller.may(Permission::ReadAudit, &app) {
        let rows = customer_overview::activity(reader, tenant, id, SHOWN)
            .await
            .map_err(unavailable)?;
        let mut actors = Actors::new(&app, tenant);
        for row in rows {
            let actor = actors.named(&row.actor_kind, &row.actor_id).await?;
            activity.push(audit::entry(&app, actor, row));
        }
    }
    let overview = admin::CustomerOverview {
        licenses_by_status: admin::LicensesByStatus {
            active: figures.active,
            suspended: figures.suspended,
            revoked: figures.revoked,
            expired: figures.expired,
            not_yet_valid: figures.not_yet_valid,
        },
        seats: figures.seats,
        active: figures.seats_in_use,
        last_seen_at: figures.last_seen_at.map(|at| Timestamp::from(at).to_string()),
        open_anomalies: figures.open_anomalies,
        usage,
        licenses: shown(&app, &caller, &licenses.items).await?,
        activity,
    };
    Ok(render::answer(StatusCode::OK, render::json(&overview), &[]))
}
