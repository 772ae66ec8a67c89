//! `GET /api/admin/licenses/{id}/activations`

use axum::{extract::State, http::HeaderMap, response::Response};
use licet_contracts::{Page, Problem, license::ActivationSummary};
use licet_domain::{
    api_key::Scope,
    license::seat_status,
    values::{Sealed, Timestamp},
};
use licet_projections::activations::{self, ActivationRow};

use super::{super::reading, license_id, person};
use crate::{
    App,
    auth::Caller,
    extract::{Params, Path},
    freshness, problem,
    problem::{Result, unavailable},
};

/// List a license's machines, past and present, by time of activation.
#[utoipa::path(get, path = "/api/admin/licenses/{id}/activations", tag = "licenses",
    params(("id" = String, Path), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query, description = "`activated_at` or `-activated_at`"), ("total" = Option<String>, Query)),
    responses((status = 200, description = "A page.", body = Page<ActivationSummary>), (status = 404, description = "`LICENSE_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn list_activations(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    params: Params,
    Path(id): Path,
) -> Result<Response> {
    caller.require(&app, Scope::Read)?;
    let id = license_id(&id)?;
    // When and with which version a machine was last seen, beats tell.
    for model in ["activations", "license_heartbeats"] {
        freshness::of_read_model(&app, &headers, model).await?;
    }
    let license = app
        .platform
        .licenses
        .get(&app.tenant, id.0)
        .await
        .map_err(licet_commands::CommandError::from)?;
    if license.state.facts().is_none() {
        return Err(problem::Problem::not_found("license"));
    }
    let request = reading::page_request(&params, "activated_at")?;
    let page = activations::list(&app.reader, &app.tenant, id.0, &request)
        .await
        .map_err(unavailable)?;
    let person = person(&app, id).await?;
    Ok(reading::page(page, |row: ActivationRow| {
        let open = |sealed| person.as_ref().and_then(|sealer| sealer.open(&Sealed(sealed)).ok());
        let activated_at = Timestamp::from(row.activated_at).to_string();
        ActivationSummary {
            activation_id: row.activation_id.to_string(),
            hostname: row.hostname_sealed.and_then(open),
            os: row.os,
            app_version: row.app_version,
            last_seen_at: Some(
                row.last_seen_at
                    .map_or_else(|| activated_at.clone(), |at| Timestamp::from(at).to_string()),
            ),
            activated_at,
            status: seat_status(row.deactivated_at.is_some(), row.silent_since.is_some()).to_owned(),
        }
    }))
}
