//! `GET /api/admin/licenses/{id}/activations`

use axum::{extract::State, http::HeaderMap, response::Response};
use licet_contracts::{Page, Problem, license::ActivationSummary};
use licet_domain::{
    license::{License, seat_status},
    permission::needed::ReadLicenses,
    values::{Sealed, Timestamp},
};
use licet_projections::activations::{self, ActivationRow};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    super::reading::{self, PageQuery},
    holder, license_id,
};
use crate::{
    App,
    auth::Caller,
    extract::{Path, Query},
    freshness, problem,
    problem::{Result, unavailable},
};

/// The order of activations.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub(crate) enum ActivationSort {
    /// Oldest first.
    #[serde(rename = "activated_at")]
    Oldest,
    /// Newest first.
    #[serde(rename = "-activated_at")]
    Newest,
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ActivationQuery {
    /// Oldest first, or newest first.
    #[param(inline)]
    sort: Option<ActivationSort>,
}

/// List a license's machines, past and present, by time of activation.
#[utoipa::path(get, path = "/api/admin/licenses/{id}/activations", tag = "licenses",
    params(("id" = uuid::Uuid, Path), PageQuery, ActivationQuery),
    responses((status = 200, description = "A page.", body = Page<ActivationSummary>), (status = 404, description = "`LICENSE_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn list_activations(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    headers: HeaderMap,
    Query(page, query): Query<PageQuery, ActivationQuery>,
    Path(id): Path,
) -> Result<Response> {
    let id = license_id(&id)?;
    // When and with which version a machine was last seen, beats tell.
    for model in ["activations", "license_heartbeats"] {
        freshness::of_read_model(&app, &headers, model).await?;
    }
    let license = app
        .platform
        .licenses
        .get(&caller.tenant, id.0)
        .await
        .map_err(licet_commands::CommandError::from)?;
    if license.state.facts().is_none() {
        return Err(problem::Problem::not_found(License::KIND));
    }
    let request = page.request(matches!(query.sort, Some(ActivationSort::Newest)))?;
    let page = activations::list(&app.reader, &caller.tenant, id.0, &request)
        .await
        .map_err(unavailable)?;
    let holder = holder(&app, &caller, id).await?;
    Ok(reading::page(page, |row: ActivationRow| {
        let open = |sealed| {
            holder
                .as_ref()
                .map(|holder| &holder.sealer)
                .and_then(|sealer| sealer.open(&Sealed(sealed)).ok())
        };
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
