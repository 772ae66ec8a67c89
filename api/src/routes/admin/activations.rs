//! `GET /api/admin/activations`: the machines of all licenses.

use std::collections::HashMap;

use axum::{extract::State, http::HeaderMap, response::Response};
use licet_contracts::{Page, admin, license::ActivationSummary};
use licet_domain::{
    license::seat_status,
    permission::needed::ReadLicenses,
    product::Product,
    values::{Sealed, Timestamp},
};
use licet_projections::{
    activations::{self, ActivationFilter, ActivationRow},
    resources,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    licenses::holders,
    reading::{self, PageQuery},
};
use crate::{
    App,
    auth::{Caller, guarded},
    extract::Query,
    freshness,
    problem::{Result, unavailable},
    render::Holder,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(guarded!(list_all_activations))
}

/// The order of activations.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub(super) enum ActivationSort {
    /// Oldest first.
    #[serde(rename = "activated_at")]
    Oldest,
    /// Newest first.
    #[serde(rename = "-activated_at")]
    Newest,
}

/// How a seat stands.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SeatStatus {
    Active,
    Silent,
    Deactivated,
}

impl SeatStatus {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Active => seat_status(false, false),
            Self::Silent => seat_status(false, true),
            Self::Deactivated => seat_status(true, false),
        }
    }
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ActivationQuery {
    /// Of one license.
    license_id: Option<Uuid>,
    /// Of one customer's licenses.
    customer_id: Option<Uuid>,
    /// How the seat stands.
    #[param(inline)]
    status: Option<SeatStatus>,
    /// With this operating system, as the machine named it.
    os: Option<String>,
    /// That last ran this version of the program.
    app_version: Option<String>,
    /// That were last heard of before this moment, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    last_seen_before: Option<Timestamp>,
    /// Oldest first, or newest first.
    #[param(inline)]
    sort: Option<ActivationSort>,
}

/// List machines over all licenses, past and present, by time of activation.
#[utoipa::path(get, path = "/api/admin/activations", tag = "licenses", params(PageQuery, ActivationQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Activation>)), security(("api_key" = [])))]
pub(crate) async fn list_all_activations(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    headers: HeaderMap,
    Query(page, query): Query<PageQuery, ActivationQuery>,
) -> Result<Response> {
    let filter = ActivationFilter {
        license_id: query.license_id,
        customer_id: query.customer_id,
        status: query.status.map(SeatStatus::as_str),
        os: query.os,
        app_version: query.app_version,
        last_seen_before: query.last_seen_before.map(Into::into),
    };
    let page = page_of(&app, &caller, &headers, &filter, (&page, query.sort)).await?;
    let customers = page.items.iter().filter_map(|row| row.customer_id).collect();
    let holders = holders(&app, &caller, customers).await?;
    let products: Vec<Uuid> = page.items.iter().filter_map(|row| row.product_id).collect();
    let products = resources::of_ids::<Product>(&app.reader, &caller.tenant, &products).await;
    let products = products.map_err(unavailable)?;
    Ok(reading::page(page, |row| shown(row, &holders, &products)))
}

fn shown(row: ActivationRow, holders: &HashMap<Uuid, Holder>, products: &HashMap<Uuid, Product>) -> admin::Activation {
    let holder = row.customer_id.and_then(|id| holders.get(&id));
    let product = row.product_id.and_then(|id| products.get(&id)?.facts());
    admin::Activation {
        license_id: row.license_id.to_string(),
        key_masked: row.key_masked.clone(),
        product: product.map(|product| product.code.to_string()),
        customer_id: row.customer_id.map(|id| id.to_string()),
        customer: holder.and_then(|holder| holder.name.clone()),
        machine: summary(row, holder),
    }
}

/// A page of machines, once everything that tells of them has caught up.
pub(super) async fn page_of(
    app: &App,
    caller: &Caller<ReadLicenses>,
    headers: &HeaderMap,
    filter: &ActivationFilter,
    (query, sort): (&PageQuery, Option<ActivationSort>),
) -> Result<licet_projections::Page<ActivationRow>> {
    let mut request = query.request(matches!(sort, Some(ActivationSort::Newest)))?;
    // When and with which version a machine was last seen, beats tell.
    for model in ["activations", "license_heartbeats"] {
        request.min_position = freshness::of_read_model(app, headers, model).await?;
    }
    let page = activations::list(&app.reader, &caller.tenant, filter, &request).await;
    page.map_err(unavailable)
}

/// A machine as operators see it.
pub(super) fn summary(row: ActivationRow, holder: Option<&Holder>) -> ActivationSummary {
    let open = |sealed| holder.and_then(|holder| holder.sealer.open(&Sealed(sealed)).ok());
    let last_seen_at = row.last_seen_at.unwrap_or(row.activated_at);
    ActivationSummary {
        activation_id: row.activation_id.to_string(),
        hostname: row.hostname_sealed.and_then(open),
        os: row.os,
        app_version: row.app_version,
        activated_at: Timestamp::from(row.activated_at).to_string(),
        last_seen_at: Some(Timestamp::from(last_seen_at).to_string()),
        status: seat_status(row.deactivated_at.is_some(), row.silent_since.is_some()).to_owned(),
    }
}
