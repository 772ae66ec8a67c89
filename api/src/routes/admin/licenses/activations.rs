//! `GET /api/admin/licenses/{id}/activations`

use axum::{extract::State, http::HeaderMap, response::Response};
use licet_contracts::{Page, Problem, license::ActivationSummary};
use licet_domain::{license::License, permission::needed::ReadLicenses};
use licet_projections::activations::ActivationFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        activations::{ActivationSort, page_of, summary},
        reading::{self, PageQuery},
    },
    holder, license_id,
};
use crate::{
    App,
    auth::Caller,
    extract::{Path, Query},
    problem,
    problem::Result,
};

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeatQuery {
    /// Oldest first, or newest first.
    #[param(inline)]
    sort: Option<ActivationSort>,
}

/// List a license's machines, past and present, by time of activation.
#[utoipa::path(get, path = "/api/admin/licenses/{id}/activations", tag = "licenses",
    params(("id" = uuid::Uuid, Path), PageQuery, SeatQuery),
    responses((status = 200, description = "A page.", body = Page<ActivationSummary>), (status = 404, description = "`LICENSE_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn list_activations(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    headers: HeaderMap,
    Query(page, query): Query<PageQuery, SeatQuery>,
    Path(id): Path,
) -> Result<Response> {
    let id = license_id(&id)?;
    let license = app.platform.licenses.get(&caller.tenant, id.0).await;
    let license = license.map_err(licet_commands::CommandError::from)?;
    if license.state.facts().is_none() {
        return Err(problem::Problem::not_found(License::KIND));
    }
    let filter = ActivationFilter {
        license_id: Some(id.0),
        ..ActivationFilter::default()
    };
    let page = page_of(&app, &caller, &headers, &filter, (&page, query.sort)).await?;
    let holder = holder(&app, &caller, id).await?;
    Ok(reading::page(page, |row| summary(row, holder.as_ref())))
}
